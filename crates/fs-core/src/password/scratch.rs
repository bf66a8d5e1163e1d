//! Working memory of Argon2.

use argon2::Block;
use zeroize::Zeroize;

/// Working memory of a hashing thread, which is kept between jobs and wiped after each.
///
/// Argon2 needs tens of megabytes per hash. Allocating them for each hash would cost a third of the
/// time and make the process grow. The kept memory grows to what new hashes need. A stored hash
/// that needs more gets it for that hash only.
#[derive(Default)]
pub struct Scratch {
    kept: Vec<Block>,
}

impl Scratch {
    /// Creates a scratch without memory. The first job allocates it.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the size of the kept memory, in KiB.
    pub fn kept_kib(&self) -> usize {
        self.kept.len()
    }

    /// Lends zeroed blocks of 1 KiB. At most `keep` of them stay allocated afterwards.
    pub(super) fn lend(&mut self, blocks: usize, keep: usize) -> Lent<'_> {
        if blocks > keep {
            return Lent::Once(vec![Block::new(); blocks]);
        }
        if self.kept.len() < blocks {
            self.kept.resize(blocks, Block::new());
        }
        Lent::Kept(self.kept.get_mut(..blocks).unwrap_or_default())
    }
}

impl std::fmt::Debug for Scratch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scratch").field("kept_kib", &self.kept_kib()).finish()
    }
}

/// Blocks that are wiped when they are returned, even by a panic.
pub(super) enum Lent<'a> {
    Kept(&'a mut [Block]),
    Once(Vec<Block>),
}

impl AsMut<[Block]> for Lent<'_> {
    fn as_mut(&mut self) -> &mut [Block] {
        match self {
            Self::Kept(blocks) => blocks,
            Self::Once(blocks) => blocks,
        }
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        for block in self.as_mut() {
            block.zeroize();
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Checks whether the memory holds nothing of any job.
    pub(in crate::password) fn is_wiped(scratch: &Scratch) -> bool {
        scratch.kept.iter().all(|block| block.as_ref().iter().all(|word| *word == 0))
    }

    fn write(blocks: &mut Lent<'_>) {
        for block in blocks.as_mut() {
            block.as_mut().fill(7);
        }
    }

    #[test]
    fn memory_is_kept_and_wiped() {
        let mut scratch = Scratch::new();
        write(&mut scratch.lend(8, 16));
        assert_eq!(scratch.kept_kib(), 8);
        assert!(is_wiped(&scratch));
        write(&mut scratch.lend(16, 16));
        assert_eq!(scratch.kept_kib(), 16);
        assert!(is_wiped(&scratch));
    }

    #[test]
    fn memory_is_wiped_when_a_job_panics() {
        let mut scratch = Scratch::new();
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let mut blocks = scratch.lend(8, 8);
            write(&mut blocks);
            std::panic::resume_unwind(Box::new(()));
        }));
        assert!(result.is_err());
        assert_eq!(scratch.kept_kib(), 8);
        assert!(is_wiped(&scratch));
    }

    #[test]
    fn more_than_is_to_be_kept_is_given_once() {
        let mut scratch = Scratch::new();
        assert_eq!(scratch.lend(64, 8).as_mut().len(), 64);
        assert_eq!(scratch.kept_kib(), 0);
    }
}
