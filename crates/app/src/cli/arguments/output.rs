use clap::{Args, ValueEnum};

use crate::cli::output::Form;

/// The form of what is printed.
#[derive(Debug, Args)]
pub(in crate::cli) struct Output {
    /// The form: a table for people, the table with every member, JSON, or YAML.
    #[arg(short, long, global = true, value_enum, value_name = "FORM", conflicts_with_all = ["json", "quiet"])]
    output: Option<Named>,
    /// The same as `-o json`.
    #[arg(long, global = true, conflicts_with = "quiet")]
    json: bool,
    /// Print ids alone, one a line; of a new secret the secret alone.
    #[arg(short, long, global = true)]
    quiet: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Named {
    Table,
    Wide,
    Json,
    Yaml,
}

impl Output {
    pub(in crate::cli) fn form(&self) -> Form {
        match (self.output, self.json, self.quiet) {
            (_, _, true) => Form::Ids,
            (_, true, _) | (Some(Named::Json), ..) => Form::Json,
            (Some(Named::Yaml), ..) => Form::Yaml,
            (Some(Named::Wide), ..) => Form::Wide,
            (Some(Named::Table) | None, ..) => Form::Table,
        }
    }
}
