use std::fmt;
use std::fs;
use std::path::PathBuf;

use keymint_console::{Accent, Brand, FrameAncestor, Logo};
use keymint_domain::identity::{Email, InvalidEmail};

use crate::config::section::Section;
use crate::config::{KeyPath, Location, Problem, Problems};

/// The pages for people, and the persons who operate the server by them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Console {
    /// True if the pages are served, under `/console`.
    pub enabled: bool,
    /// The addresses of operators. An address counts once its user has proved that it is theirs.
    pub operators: Vec<OperatorAddress>,
    /// The origins whose pages may show the portal in a frame.
    pub frame_ancestors: Vec<FrameAncestor>,
    /// The look of the portal.
    pub brand: ConsoleBrand,
}

/// The look of the portal. [`ConsoleBrand::load`] reads its file, so that other commands need no access to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsoleBrand {
    /// The name of the team or its product; `None` = Keymint's own.
    pub name: Option<String>,
    /// The file of the logo, relative to the directory that the process runs in.
    pub logo: Option<PathBuf>,
    /// The colour of links and buttons.
    pub accent: Option<Accent>,
}

/// The address of an operator, which prints whole: the configuration is the operators' own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorAddress(pub Email);

impl OperatorAddress {
    fn parse(text: &str) -> Result<Self, &'static str> {
        Email::parse(text).map(Self).map_err(|InvalidEmail| "must be an e-mail address, as in ada@example.com")
    }
}

impl fmt::Display for OperatorAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

/// The longest name of a brand, in characters.
const MAX_NAME: usize = 60;

pub(in crate::config) fn read(section: &mut Section<'_, '_>) -> Console {
    Console {
        enabled: section.boolean("enabled", true),
        operators: section.texts("operators", "list of e-mail addresses", Vec::new(), OperatorAddress::parse),
        frame_ancestors: section.texts("frame_ancestors", "list of origins", Vec::new(), FrameAncestor::parse),
        brand: section.section("brand", read_brand),
    }
}

fn read_brand(section: &mut Section<'_, '_>) -> ConsoleBrand {
    ConsoleBrand {
        name: section.optional_text("name", "string, 1 to 60 characters", parse_name),
        logo: section.optional_text("logo", "path of an SVG, PNG or WebP file", parse_path).map(PathBuf::from),
        accent: section.optional_text("accent", "colour", Accent::parse),
    }
}

fn parse_name(text: &str) -> Result<String, &'static str> {
    let is_fit = !text.trim().is_empty() && text.chars().count() <= MAX_NAME && !text.contains(char::is_control);
    if is_fit { Ok(text.to_owned()) } else { Err("must have 1 to 60 characters, and no control characters") }
}

fn parse_path(text: &str) -> Result<String, &'static str> {
    let is_fit =
        !text.is_empty() && !text.contains(char::is_control) && !text.contains("://") && !text.starts_with("data:");
    if is_fit { Ok(text.to_owned()) } else { Err("must be the path of a file: pages load nothing from elsewhere") }
}

impl ConsoleBrand {
    /// Reads the file of the logo.
    ///
    /// # Errors
    ///
    /// Returns what is wrong with the file.
    pub fn load(&self) -> Result<Brand, Problems> {
        let logo = self.logo.as_ref().map(|path| {
            let location =
                || Location { place: None, path: KeyPath::default().key("console").key("brand").key("logo") };
            let problem = |message: &dyn fmt::Display| -> Problems {
                Problem::new(location(), format!("{}: {message}", path.display())).into()
            };
            let content = fs::read(path).map_err(|error| problem(&format_args!("cannot be read: {error}")))?;
            Logo::new(content).map_err(|error| problem(&error))
        });
        Ok(Brand { name: self.name.clone().unwrap_or_default(), logo: logo.transpose()?, accent: self.accent })
    }
}
