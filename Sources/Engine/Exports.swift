// Programs write `import Engine`: tensors, transforms and data files are part of it.
@_exported import DataFiles
@_exported import Tensors
