"""What the exporters of ONNX tell of the machine they ran on."""

import onnx


def strip(path):
    """Without the exporter's traces, but for the names of modules."""
    m = onnx.load(path)
    del m.metadata_props[:], m.functions[:], m.graph.metadata_props[:], m.graph.value_info[:]
    m.doc_string = m.graph.doc_string = ""
    for item in [*m.graph.node, *m.graph.initializer, *m.graph.input, *m.graph.output]:
        kept = [(p.key, p.value) for p in item.metadata_props if p.key == "pkg.torch.onnx.name_scopes"]
        del item.metadata_props[:]
        for key, value in kept:
            item.metadata_props.add(key=key, value=value)
        item.doc_string = ""
    onnx.save(m, path)
