from vectors import write

write("ids.npy", (300,), [1000 - i for i in range(300)], "q")
write("ids.b.npy", (4200,), [7000 + i for i in range(4200)], "q")
