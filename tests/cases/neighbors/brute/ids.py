from vectors import write

write("ids.npy", (300,), [1000 - i for i in range(300)], "q")
write("ids.b.npy", (4200,), [7000 + i for i in range(4200)], "q")
with open("a.npy", "rb") as f, open("reversed.npy", "wb") as out:
    out.write(f.read(128))
    out.write(b"".join(reversed([f.read(4 * 19) for _ in range(300)])))
