//! The look: contrast as WCAG 2.2 asks for (1.4.3 and 1.4.11, level AA).

use std::collections::BTreeMap;

/// Returns the colours of the light theme, or of the dark one.
fn colours(dark: bool) -> BTreeMap<String, [f64; 3]> {
    let css = include_str!("../../../templates/security/style.css");
    let (light, rest) = css.split_once("@media (prefers-color-scheme: dark)").unwrap();
    let part = if dark { rest.split("\n}\n").next().unwrap() } else { light };
    let hex = "([0-9a-f]{2})";
    let pattern = regex::Regex::new(&format!("--([a-z-]+): #{hex}{hex}{hex};")).unwrap();
    let channel = |hex: &str| f64::from(u8::from_str_radix(hex, 16).unwrap());
    pattern
        .captures_iter(part)
        .map(|hit| (hit[1].to_owned(), [2, 3, 4].map(|group| channel(&hit[group]))))
        .collect()
}

fn luminance(colour: [f64; 3]) -> f64 {
    let [red, green, blue] = colour.map(|channel| {
        let channel = channel / 255.0;
        if channel <= 0.04045 { channel / 12.92 } else { ((channel + 0.055) / 1.055).powf(2.4) }
    });
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

fn contrast(one: [f64; 3], other: [f64; 3]) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[test]
fn contrast_of_black_on_white_is_21() {
    assert!((contrast([0.0; 3], [255.0; 3]) - 21.0).abs() < 1e-9);
}

#[test]
fn text_and_controls_stand_out() {
    const TEXT: [(&str, &str); 15] = [
        ("text", "card"),
        ("text", "ground"),
        ("text", "glow"),
        ("text", "field"),
        ("text", "tint"),
        ("text", "success-tint"),
        ("text", "error-tint"),
        ("soft", "card"),
        ("soft", "ground"),
        ("error", "card"),
        ("accent", "card"),
        ("accent", "ground"),
        ("accent-strong", "card"),
        ("on-accent", "accent"),
        ("on-accent", "accent-strong"),
    ];
    const CONTROLS: [(&str, &str); 7] = [
        ("field-edge", "card"),
        ("field-edge", "field"),
        ("accent", "glow"),
        ("accent", "tint"),
        ("success", "success-tint"),
        ("error", "error-tint"),
        ("error", "field"),
    ];
    for dark in [false, true] {
        let colours = colours(dark);
        for (pairs, least) in [(&TEXT[..], 4.5), (&CONTROLS[..], 3.0)] {
            for (front, back) in pairs {
                let contrast = contrast(colours[*front], colours[*back]);
                assert!(contrast >= least, "{front} on {back} (dark: {dark}): {contrast:.2}");
            }
        }
    }
}
