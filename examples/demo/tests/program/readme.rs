//! Test that the README shows the program that is compiled here.

#[test]
fn the_readme_shows_the_short_program() {
    let program = include_str!("../../examples/short.rs");
    let (_, program) = program.split_once("\n\n").unwrap_or_default();
    assert!(include_str!("../../../../README.md").contains(&format!("```rust\n{program}```")));
}
