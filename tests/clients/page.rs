//! Pages of the documentation: the files that they print, and the commands that they name.

use std::fs;
use std::path::Path;
use std::process::Command;

use keymint_test_support::markdown::{self, Block};

/// Commands that install packages or begin a project: the tests have their packages from lock files.
const INSTALLATIONS: [&str; 5] = ["npm install ", "pip install ", "go mod init ", "go get ", "export "];

/// A page, or the part of it below a heading.
pub(crate) struct Page {
    blocks: Vec<Block>,
}

impl Page {
    /// Reads a page below `docs`.
    pub(crate) fn read(path: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(path);
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self { blocks: markdown::all_blocks(&text) }
    }

    /// Returns the part below a heading.
    pub(crate) fn below(&self, heading: &str) -> Self {
        let blocks: Vec<_> = self.blocks.iter().filter(|block| block.heading == heading).cloned().collect();
        assert!(!blocks.is_empty(), "nothing below {heading}");
        Self { blocks }
    }

    /// Writes the files that the page prints: their first line is a comment with the name.
    pub(crate) fn write_files(&self, folder: &Path) {
        for block in self.blocks.iter().filter(|block| block.language != "sh") {
            let Some(name) = file_name(&block.text) else { continue };
            let file = folder.join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, &block.text).unwrap();
        }
    }

    /// Returns the commands of the page, without those that install packages.
    pub(crate) fn commands(&self) -> Vec<String> {
        let scripts = self.blocks.iter().filter(|block| block.language == "sh");
        let joined: String = scripts.map(|block| block.text.replace("\\\n", " ")).collect();
        let commands = joined.lines().filter(|line| !INSTALLATIONS.iter().any(|start| line.starts_with(start)));
        commands.map(str::to_owned).collect()
    }
}

/// Returns the name in a file's first line, such as `// main.go` or `# app.py`.
fn file_name(text: &str) -> Option<&str> {
    let line = text.lines().next()?;
    let name = line.strip_prefix("// ").or_else(|| line.strip_prefix("# "))?;
    (name.contains('.') && !name.contains(' ')).then_some(name)
}

/// Returns a shell that runs `script` in `folder` for five minutes at most. It finds `programs` before others.
pub(crate) fn shell(script: &str, folder: &Path, programs: &Path) -> Command {
    let script = format!("PATH={}:$PATH\n{script}", programs.display());
    let mut shell = Command::new("timeout");
    shell.args(["300", "bash", "-e", "-c", &script]).current_dir(folder).env("PYTHONDONTWRITEBYTECODE", "1");
    shell.env("CI", "true").env("NEXT_TELEMETRY_DISABLED", "1").env("NO_UPDATE_NOTIFIER", "1");
    shell
}

#[test]
fn a_file_has_its_name_in_a_comment() {
    assert_eq!(file_name("// app/route.js\nx"), Some("app/route.js"));
    assert_eq!(file_name("# app.py\n"), Some("app.py"));
    assert_eq!(file_name("// Lets requests pass.\n"), None);
    assert_eq!(file_name("import x\n"), None);
}
