//! The configuration: a TOML file, and behind a line of `---` the variables of the environment, one a line. What is loaded
//! prints to a file that loads to the same.

#![no_main]

use keymint_app::config::Config;
use keymint_app::environment::Environment;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (file, variables) = text.split_once("\n---\n").unwrap_or((text, ""));
    let environment: Environment = variables.lines().filter_map(|line| line.split_once('=')).collect();
    let Ok(config) = Config::from_text(file, "keymint.toml", &environment) else { return };
    let printed = config.print();
    let again = Config::from_text(&printed, "keymint.toml", &Environment::default());
    let again = again.unwrap_or_else(|problems| panic!("{problems}\n{printed}"));
    assert_eq!(again.print(), printed);
});
