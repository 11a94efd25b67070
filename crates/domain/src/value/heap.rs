/// Bytes that an allocation of `bytes` takes on the heap, about: allocators keep a few beside it, and have a smallest one.
pub(crate) fn heap_block(bytes: usize) -> usize {
    if bytes == 0 { 0 } else { (bytes + 16).max(32) }
}
