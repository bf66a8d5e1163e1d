//! Tests that run on every framework of the demo.

/// Creates a test of each function for each framework that the demo is built with. The function
/// gets the framework's name.
macro_rules! on_each_framework {
    ($($test:ident),+) => {
        mod on_axum {
            $(#[test]
            fn $test() {
                super::$test("axum");
            })+
        }
        #[cfg(feature = "rocket")]
        mod on_rocket {
            $(#[test]
            fn $test() {
                super::$test("rocket");
            })+
        }
        #[cfg(feature = "actix")]
        mod on_actix {
            $(#[test]
            fn $test() {
                super::$test("actix");
            })+
        }
    };
}
