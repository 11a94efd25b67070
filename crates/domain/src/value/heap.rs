/// Returns about the number of bytes that an allocation of `bytes` takes on the heap.
///
/// Allocators add a few bytes to each block, and have a smallest block.
pub(crate) fn heap_block(bytes: usize) -> usize {
    if bytes == 0 { 0 } else { (bytes + 16).max(32) }
}
