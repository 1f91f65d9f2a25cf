/// Work that is ready to run: every pointer and size is bound.
public typealias Kernel = () throws -> Void
