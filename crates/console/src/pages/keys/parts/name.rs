use keymint_domain::value::KeyName;

use crate::form::{Fields, Problems};

/// Reads the name of a key; `None` = there is none, or it is wrong and that was added.
pub(in crate::pages::keys) fn read_name(form: &Fields, problems: &mut Problems) -> Option<KeyName> {
    let name = KeyName::parse(form.get("name")?).ok();
    if name.is_none() {
        problems
            .add("name", "Leave out characters that nobody sees, such as those that turn the direction of writing.");
    }
    name
}
