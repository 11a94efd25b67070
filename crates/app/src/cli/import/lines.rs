//! The lines of a file, CSV or JSON lines, with their numbers.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use csv::{ErrorKind, Reader, ReaderBuilder, StringRecord};

use super::record::{Cell, MEMBERS, Record, members_of_json};
use crate::cli::CliResult;

/// The longest line, in bytes. A key with the largest metadata is shorter.
const MAX_LINE: u64 = 1 << 20;

/// The form of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(in crate::cli) enum Form {
    /// Comma-separated values (RFC 4180), with the names of the columns in the first line.
    Csv,
    /// One JSON object a line.
    Jsonl,
}

/// The members that columns hold.
#[derive(Debug, Default)]
pub(super) struct Mapping {
    columns: BTreeMap<String, &'static str>,
    /// Leaves out columns that hold no member.
    skips_others: bool,
}

impl Mapping {
    /// Reads `MEMBER=COLUMN` texts.
    ///
    /// # Errors
    ///
    /// Returns an error for a text of another form, and for a member or a column that comes twice.
    pub(super) fn parse(texts: &[String], skips_others: bool) -> CliResult<Self> {
        let mut columns = BTreeMap::new();
        for text in texts {
            let (name, column) = text.split_once('=').ok_or_else(|| format!("--map {text}: must be MEMBER=COLUMN"))?;
            let member = MEMBERS.iter().find(|member| **member == name);
            let member = member.ok_or_else(|| format!("--map {text}: members are {}", MEMBERS.join(", ")))?;
            let is_double = columns.values().any(|other| other == member);
            if is_double || columns.insert(column.to_owned(), *member).is_some() {
                return Err(format!("--map {text}: is there twice").into());
            }
        }
        Ok(Self { columns, skips_others })
    }

    /// Returns the member that a column holds; `None` = none, and the column is left out.
    fn member(&self, column: &str) -> Result<Option<&'static str>, String> {
        if let Some(member) = self.columns.get(column) {
            return Ok(Some(member));
        }
        let is_mapped = |member: &&&str| self.columns.values().any(|other| other == *member);
        match MEMBERS.iter().find(|member| **member == column) {
            Some(member) if !is_mapped(&member) => Ok(Some(member)),
            _ if self.skips_others => Ok(None),
            _ if is_name(column) => {
                Err(format!("the column {column} holds no member: --map MEMBER={column} or --skip-other-columns"))
            }
            _ => {
                Err("a column holds no member, and its name may be a key: --no-header if the first line holds one, or \
                      --skip-other-columns"
                    .to_owned())
            }
        }
    }
}

/// Returns true for a text that a message may repeat as the name of a column. In a file without a header a key is in its place,
/// or a hash.
fn is_name(column: &str) -> bool {
    column.len() < 32 && column.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-. ".contains(&byte))
}

/// A file that is read twice: once to check it, and once to import it.
#[derive(Debug)]
pub(super) struct Spool {
    file: File,
    pub(super) form: Form,
    pub(super) bytes: u64,
}

impl Spool {
    /// Opens a file, or copies the standard input into one that nobody else can open.
    ///
    /// # Errors
    ///
    /// Returns the failure to open or copy it.
    pub(super) fn open(path: &Path, form: Option<Form>) -> io::Result<Self> {
        let mut file = if path == Path::new("-") {
            let mut file = tempfile::tempfile()?;
            io::copy(&mut io::stdin().lock(), &mut file)?;
            file
        } else {
            File::open(path)?
        };
        let bytes = file.seek(SeekFrom::End(0))?;
        file.rewind()?;
        let first = BufReader::new(&file).bytes().find(|byte| !byte.as_ref().is_ok_and(u8::is_ascii_whitespace));
        let is_json = first.transpose()? == Some(b'{');
        let form = form.unwrap_or(if is_json { Form::Jsonl } else { Form::Csv });
        Ok(Self { file, form, bytes })
    }

    /// Reads the lines from the beginning.
    ///
    /// # Errors
    ///
    /// Returns the failure to read, and the problem of the first line if it names columns.
    pub(super) fn lines<'s>(&'s self, mapping: &'s Mapping, has_header: bool) -> CliResult<Lines<'s>> {
        (&self.file).rewind()?;
        let source = match self.form {
            Form::Jsonl => Source::Json { reader: BufReader::new(&self.file), number: 0, bytes: 0 },
            Form::Csv => {
                let quotes = Quotes { reader: BufReader::new(&self.file), is_open: false };
                let mut reader = ReaderBuilder::new().has_headers(has_header).from_reader(quotes);
                let columns = if has_header {
                    let header = reader.headers().map_err(|error| format!("line 1: {}", told(&error)))?;
                    let header = header.iter().map(|name| name.trim_start_matches('\u{feff}'));
                    let columns = header.map(|name| mapping.member(name)).collect::<Result<_, _>>();
                    Some(columns.map_err(|error| format!("line 1: {error}"))?)
                } else {
                    None
                };
                Source::Csv { reader: Box::new(reader), columns, record: StringRecord::new(), last: None }
            }
        };
        Ok(Lines { source, mapping })
    }
}

/// Notices a quoted field that does not end.
struct Quotes<R> {
    reader: R,
    is_open: bool,
}

impl<R: Read> Read for Quotes<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.reader.read(buffer)?;
        self.is_open = buffer[..length].iter().filter(|byte| **byte == b'"').fold(self.is_open, |open, _| !open);
        Ok(length)
    }
}

enum Source<'s> {
    Csv {
        reader: Box<Reader<Quotes<BufReader<&'s File>>>>,
        /// The members of the columns; `None` = columns are named by their numbers.
        columns: Option<Vec<Option<&'static str>>>,
        record: StringRecord,
        /// The number of the last line, unless that was bad.
        last: Option<u64>,
    },
    Json {
        reader: BufReader<&'s File>,
        number: u64,
        bytes: u64,
    },
}

/// The lines of a file.
pub(super) struct Lines<'s> {
    source: Source<'s>,
    mapping: &'s Mapping,
}

/// A line, with its number from 1.
pub(super) struct Line {
    pub(super) number: u64,
    pub(super) record: Result<Record, String>,
}

impl Lines<'_> {
    /// Returns the number of bytes that were read.
    pub(super) fn position(&self) -> u64 {
        match &self.source {
            Source::Csv { reader, .. } => reader.position().byte(),
            Source::Json { bytes, .. } => *bytes,
        }
    }

    /// Reads the next line; `None` = there are no more.
    ///
    /// # Errors
    ///
    /// Returns the failure to read.
    pub(super) fn next(&mut self) -> io::Result<Option<Line>> {
        match &mut self.source {
            Source::Csv { reader, columns, record, last } => {
                let number = reader.position().line();
                let is_read = reader.read_record(record);
                let number = record.position().filter(|_| is_read.is_ok()).map_or(number, csv::Position::line);
                match is_read {
                    Ok(false) => {}
                    Ok(true) => *last = Some(number),
                    Err(_) => *last = None,
                }
                match is_read {
                    // The reader ends such a field where the file ends.
                    Ok(false) => Ok(last
                        .take()
                        .filter(|_| reader.get_ref().is_open)
                        .map(|number| Line { number, record: Err("is torn: a quoted field does not end".to_owned()) })),
                    Ok(true) => Ok(Some(Line { number, record: read_csv(record, columns.as_deref(), self.mapping) })),
                    Err(error) => {
                        let number = error.position().map_or(number, csv::Position::line);
                        let message = told(&error);
                        match error.into_kind() {
                            ErrorKind::Io(error) => Err(error),
                            _ => Ok(Some(Line { number, record: Err(message) })),
                        }
                    }
                }
            }
            Source::Json { reader, number, bytes } => loop {
                let mut line = Vec::new();
                let length = reader.by_ref().take(MAX_LINE).read_until(b'\n', &mut line)?;
                if length == 0 {
                    return Ok(None);
                }
                *number += 1;
                *bytes += length as u64;
                if length as u64 == MAX_LINE && line.last() != Some(&b'\n') {
                    *bytes += reader.skip_until(b'\n')? as u64;
                    let record = Err(format!("is longer than {MAX_LINE} bytes"));
                    return Ok(Some(Line { number: *number, record }));
                }
                if line.trim_ascii().is_empty() {
                    continue;
                }
                return Ok(Some(Line { number: *number, record: read_json(&line, self.mapping) }));
            },
        }
    }
}

/// Returns a message that never repeats the line.
fn told(error: &csv::Error) -> String {
    match error.kind() {
        ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("is torn, or has too many fields: {len} instead of {expected_len}")
        }
        ErrorKind::Utf8 { err, .. } => format!("is not UTF-8 (field {})", err.field() + 1),
        _ => error.to_string(),
    }
}

fn read_csv(
    fields: &StringRecord,
    columns: Option<&[Option<&'static str>]>,
    mapping: &Mapping,
) -> Result<Record, String> {
    let mut record = Record::default();
    for (place, field) in fields.iter().enumerate() {
        let member = match columns {
            Some(columns) => columns.get(place).copied().flatten(),
            None => mapping.member(&(place + 1).to_string())?,
        };
        if let Some(member) = member {
            record.add(member, (!field.is_empty()).then(|| Cell::Text(field.to_owned())))?;
        }
    }
    Ok(record)
}

fn read_json(line: &[u8], mapping: &Mapping) -> Result<Record, String> {
    let mut record = Record::default();
    for (name, cell) in members_of_json(line)? {
        if let Some(member) = mapping.member(&name)? {
            record.add(member, cell)?;
        }
    }
    Ok(record)
}
