# Files of the names that manual pages and guides use: images 170 to 189 of the bundled example, whose
# model is every model.
mkdir cifar-100-python
tail -c +$((170 * 3074 + 1)) "$EX/test.bin" | head -c $((20 * 3074)) >test.bin
head -c $((10 * 3074)) test.bin >train.bin
cp test.bin cifar-100-python/test.bin && cp train.bin cifar-100-python/train
cp "$EX"/*_label_names.txt . && cp "$EX"/*_label_names.txt cifar-100-python
for name in m.pth model.pth epoch_{10,20,30}.pth; do ln "$EX/model.pth" "$name" 2>/dev/null || cp "$EX/model.pth" "$name"; done
