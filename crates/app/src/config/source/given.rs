use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use crate::config::{Place, Problem};
use crate::environment::Environment;

/// The suffix of a variable whose value is the path of a file that holds the setting.
pub(in crate::config) const FILE: &str = "_FILE";

/// A setting from the environment, and its place.
pub(in crate::config) struct Given {
    pub(in crate::config) place: Place,
    pub(in crate::config) text: String,
}

/// Finds the setting `name`: the value of that variable, unchanged, or the text of the file that `name` with `_FILE`
/// appended names, trimmed.
///
/// White space around the path is no part of it. The second variable counts as not set if it is empty.
///
/// # Errors
///
/// Returns a problem if both are set, if the file cannot be read or is empty, or if the text is not UTF-8.
pub(in crate::config) fn given(environment: &Environment, name: &str) -> Result<Option<Given>, Problem> {
    let value = environment.get(name);
    let of_file = format!("{name}{FILE}");
    let path =
        environment.get(&of_file).map(|path| path.to_str().map_or(Path::new(path), |path| Path::new(path.trim())));
    let Some(path) = path.filter(|path| !path.as_os_str().is_empty()) else {
        let place = Place::Variable(name.into());
        let text = value.map(|value| value.to_str().ok_or("is not UTF-8")).transpose();
        let text = text.map_err(|message| Problem::at_place(place.clone(), message))?;
        return Ok(text.map(|text| Given { place, text: text.to_owned() }));
    };
    let place = Place::Variable(of_file.into());
    if value.is_some_and(|value| !value.is_empty()) {
        return Err(Problem::at_place(place, format!("is set beside {name}; only one of them may be")));
    }
    match read_setting_file(path) {
        Ok(text) => Ok(Some(Given { place, text })),
        Err(message) => Err(Problem::at_place(place, message)),
    }
}

/// Reads the setting that a file holds, trimmed.
///
/// # Errors
///
/// Returns a message if the file cannot be read or is empty, or if it is no text.
pub(crate) fn read_setting_file(path: &Path) -> Result<String, String> {
    const MAX_BYTES: u64 = 65_536;
    let mut bytes = Vec::new();
    let file = File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes));
    file.map_err(|error| format!("the file cannot be read: {error}"))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(format!("the file has more than {MAX_BYTES} bytes"));
    }
    let text = String::from_utf8(bytes).map_err(|_| "the file is not UTF-8")?;
    match text.trim() {
        // An empty file must not pass for a setting that was not made.
        "" => Err("the file is empty".to_owned()),
        text => Ok(text.to_owned()),
    }
}
