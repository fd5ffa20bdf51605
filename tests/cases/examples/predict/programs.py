"""Networks of ten classes as checkpoints and, with the same weights, as what cifar-predict reads."""
import nets
import torch

for name, channels, side in (("grey", 1, 28), ("colour", 3, 32)):
    torch.manual_seed(5)
    net = getattr(nets, f"ten_{name}")().eval()
    for m in net.modules():
        if isinstance(m, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(m.running_var, .5, 1.5)
            torch.nn.init.normal_(m.running_mean, 0, .1)
    torch.save(net.state_dict(), f"ten_{name}.pth")
    program = torch.export.export(net, (torch.zeros(2, channels, side, side),))
    torch.export.save(program, f"ten_{name}.pt2")
