//! Program that prints `docs/evictions.md`.

fn main() {
    print!("{}", fs_testkit::evictions::markdown());
}
