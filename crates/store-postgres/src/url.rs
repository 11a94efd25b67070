use std::fmt;
use std::ops::Range;

use sqlx::ConnectOptions as _;
use sqlx::postgres::PgConnectOptions;
use url::Url;

use crate::parameters::{ParameterError, check_parameters};

/// The parameter of libpq that says which of several hosts is wanted.
const WANTED: &str = "target_session_attrs";

/// The URL of a database, on one host or on several. `Display` and `Debug` hide the password.
#[derive(Clone, PartialEq, Eq)]
pub struct PgUrl {
    text: String,
    /// The URL. If its authority names several hosts, it has the first of them alone.
    first: Url,
    /// The hosts of the authority, if there are several.
    list: Option<String>,
    /// The URL of each host.
    urls: Vec<Url>,
    is_watched: bool,
}

/// The reason why a URL cannot be read. Its text holds no value of the URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// It is no URL of Postgres.
    #[error("must be postgres://USER:PASSWORD@HOST/DATABASE")]
    Form,
    /// The driver does not take a parameter.
    #[error(transparent)]
    Parameter(#[from] ParameterError),
    /// One of several hosts cannot be read.
    #[error("has a host number {place} that must be HOST or HOST:PORT, with a port from 1 to 65535")]
    Host {
        /// The place in the list, from 1.
        place: usize,
    },
    /// The hosts are in two places.
    #[error("must name its hosts either before the path or in the parameter host")]
    TwoLists,
    /// The ports do not belong to the hosts.
    #[error("has a parameter port that must be one port for all {hosts} hosts, or one for each")]
    Ports {
        /// The number of hosts.
        hosts: usize,
    },
}

/// A host of a database.
#[derive(Debug, Clone)]
pub(crate) struct Host {
    /// `HOST:PORT`, without anything secret.
    pub(crate) name: String,
    pub(crate) options: PgConnectOptions,
}

impl PgUrl {
    /// Reads a URL with libpq's parameters. Several hosts are written as libpq has them: `postgres://a:5432,b/database`, or
    /// `?host=a,b&port=5432,5433`.
    ///
    /// # Errors
    /// [`UrlError`]
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let place = place_of_hosts(text).ok_or(UrlError::Form)?;
        let list = Some(&text[place.clone()]).filter(|hosts| hosts.contains(','));
        let with = |host: &str| Url::parse(&format!("{}{host}{}", &text[..place.start], &text[place.end..]));
        let urls = match list {
            None => vec![Url::parse(text).ok().filter(Url::has_authority).ok_or(UrlError::Form)?],
            Some(list) => each(list, |host| with(host).ok())?,
        };
        let first = urls.first().cloned().ok_or(UrlError::Form)?;
        let asks_for_one = is_wanted(&first)?;
        let urls = expand(urls, list.is_some())?;
        urls.iter().try_for_each(check_parameters)?;
        let is_watched = asks_for_one || urls.len() > 1;
        let list = list.map(str::to_owned);
        Ok(Self { text: put_back(first.as_str(), list.as_deref()), first, list, urls, is_watched })
    }

    /// Returns the URL with its password, to connect by.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// Returns `true` if the host that takes writes is to be found, and followed.
    pub(crate) fn is_watched(&self) -> bool {
        self.is_watched
    }

    /// Returns the hosts in their order, one at least.
    ///
    /// # Errors
    /// The driver cannot read a parameter.
    pub(crate) fn hosts(&self) -> Result<Vec<Host>, sqlx::Error> {
        self.urls.iter().map(|url| PgConnectOptions::from_url(url).map(Host::of)).collect()
    }
}

impl Host {
    fn of(options: PgConnectOptions) -> Self {
        let port = options.get_port();
        let name = match options.get_socket() {
            Some(folder) => format!("{}:{port}", folder.display()),
            None => format!("{}:{port}", options.get_host()),
        };
        // There are no such numbers in these tables, and poolers refuse the setting.
        let options = options.application_name("keymint").extra_float_digits(None).disable_statement_logging();
        Self { name, options }
    }
}

/// Returns the place of the hosts in the text of a URL: between the user and the path.
fn place_of_hosts(text: &str) -> Option<Range<usize>> {
    let start = text.find("://")? + "://".len();
    let end = text[start..].find(['/', '?', '#']).map_or(text.len(), |length| start + length);
    let start = text[start..end].rfind('@').map_or(start, |at| start + at + 1);
    Some(start..end)
}

/// Writes a list of hosts in the place of the one host of a URL.
fn put_back(url: &str, list: Option<&str>) -> String {
    match (list, place_of_hosts(url)) {
        (Some(list), Some(place)) => format!("{}{list}{}", &url[..place.start], &url[place.end..]),
        _ => url.to_owned(),
    }
}

/// Reads each entry of a list of hosts, none of which may be empty.
fn each(list: &str, read: impl Fn(&str) -> Option<Url>) -> Result<Vec<Url>, UrlError> {
    let read = |(index, host): (usize, &str)| {
        let url = Some(host).filter(|host| !host.is_empty()).and_then(&read);
        url.ok_or(UrlError::Host { place: index + 1 })
    };
    list.split(',').enumerate().map(read).collect()
}

/// Returns `true` if the URL asks for the host that takes writes. No other one is of use here.
fn is_wanted(url: &Url) -> Result<bool, ParameterError> {
    let mut wanted = url.query_pairs().filter(|(name, _)| name == WANTED).peekable();
    let is_given = wanted.peek().is_some();
    if wanted.all(|(_, value)| ["primary", "read-write"].contains(&&*value)) {
        return Ok(is_given);
    }
    Err(ParameterError::Value { name: WANTED, expected: "primary or read-write" })
}

/// Gives each host a URL without parameters that hold lists, or that the driver does not know.
fn expand(mut urls: Vec<Url>, has_list: bool) -> Result<Vec<Url>, UrlError> {
    let Some(first) = urls.first() else { return Err(UrlError::Form) };
    let last = |name| first.query_pairs().filter(|pair| pair.0 == name).last().map(|pair| pair.1.into_owned());
    let (hosts, ports) = (last("host"), last("port"));
    let named: Option<Vec<String>> =
        hosts.as_deref().filter(|hosts| hosts.contains(',')).map(|hosts| hosts.split(',').map(str::to_owned).collect());
    if has_list && hosts.is_some() {
        return Err(UrlError::TwoLists);
    }
    if let Some(index) = named.iter().flatten().position(String::is_empty) {
        return Err(UrlError::Host { place: index + 1 });
    }
    let count = named.as_ref().map_or(urls.len(), Vec::len);
    if count == 1 && first.query_pairs().all(|(name, _)| name != WANTED) {
        return Ok(urls);
    }
    if count > 1 && last("hostaddr").is_some() {
        return Err(ParameterError::Value { name: "hostaddr", expected: "left out beside several hosts" }.into());
    }
    let ports: Vec<&str> = ports.iter().flat_map(|ports| ports.split(',')).collect();
    if ports.len() > 1 && ports.len() != count {
        return Err(UrlError::Ports { hosts: count });
    }
    let pairs: Vec<(String, String)> = first.query_pairs().into_owned().filter(|(name, _)| name != WANTED).collect();
    let ports: Vec<String> = ports.into_iter().map(str::to_owned).collect();
    urls.resize(count, urls[0].clone());
    for (index, url) in urls.iter_mut().enumerate() {
        let own = |(name, value): &(String, String)| {
            let value = match name.as_str() {
                "host" => named.as_ref().and_then(|named| named.get(index)).unwrap_or(value),
                "port" => ports.get(index).or(ports.first()).unwrap_or(value),
                _ => value,
            };
            (name.clone(), value.clone())
        };
        url.set_query(None);
        if !pairs.is_empty() {
            url.query_pairs_mut().extend_pairs(pairs.iter().map(own));
        }
    }
    Ok(urls)
}

impl fmt::Display for PgUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const HIDDEN: &str = "***";
        let mut url = self.first.clone();
        // It fails only for URLs that cannot have a password.
        if url.password().is_some() && url.set_password(Some(HIDDEN)).is_err() {
            return f.write_str(HIDDEN);
        }
        let is_secret = |name: &str| name.to_ascii_lowercase().contains("password");
        if self.first.query_pairs().any(|(name, _)| is_secret(&name)) {
            url.query_pairs_mut().clear().extend_pairs(
                self.first
                    .query_pairs()
                    .map(|(name, value)| if is_secret(&name) { (name, HIDDEN.into()) } else { (name, value) }),
            );
        }
        f.write_str(&put_back(url.as_str(), self.list.as_deref()))
    }
}

impl fmt::Debug for PgUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PgUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Result<Vec<String>, String> {
        let url = PgUrl::parse(text).map_err(|error| error.to_string())?;
        Ok(url.hosts().unwrap().into_iter().map(|host| host.name).collect())
    }

    #[test]
    fn several_hosts_are_written_as_libpq_has_them() {
        for (text, hosts) in [
            ("postgres://u@a:1,b:2/d", ["a:1", "b:2"]),
            ("postgres://u:p,p@a,b:2/d?target_session_attrs=read-write", ["a:5432", "b:2"]),
            ("postgres://u@[::1]:1,[::2]/d?sslmode=disable", ["[::1]:1", "[::2]:5432"]),
            ("postgres://u@%2Frun%2Fa,%2Frun%2Fb:2/d", ["/run/a:5432", "/run/b:2"]),
            ("postgres:///d?host=a,b&user=u", ["a:5432", "b:5432"]),
            ("postgres:///d?user=u&host=/run/a,b&port=1,2&target_session_attrs=primary", ["/run/a:1", "b:2"]),
            ("postgres://u@a:1,b:2/d?port=3", ["a:3", "b:3"]),
        ] {
            assert_eq!(names(text).unwrap(), hosts, "{text}");
            let url = PgUrl::parse(text).unwrap();
            assert!(url.is_watched(), "{text}");
            assert_eq!(url.expose(), text);
            for host in url.hosts().unwrap() {
                assert_eq!((host.options.get_database(), host.options.get_username()), (Some("d"), "u"), "{text}");
            }
        }
    }

    #[test]
    fn one_host_is_followed_only_if_the_url_asks_for_the_one_that_takes_writes() {
        for (text, is_watched) in [
            ("postgres://u:p@h:5432/d?sslmode=require", false),
            ("postgres://u@h/d?target_session_attrs=primary", true),
            ("postgres://u@h/d?sslmode=require&target_session_attrs=read-write", true),
        ] {
            let url = PgUrl::parse(text).unwrap();
            assert_eq!((url.is_watched(), names(text).unwrap()), (is_watched, vec!["h:5432".to_owned()]), "{text}");
        }
    }

    #[test]
    fn a_list_that_cannot_be_read_is_refused_without_its_values() {
        for (text, expected) in [
            ("postgres://hush@a,/d", "has a host number 2 that must be HOST or HOST:PORT, with a port from 1 to 65535"),
            (
                "postgres://hush@a,b:x/d",
                "has a host number 2 that must be HOST or HOST:PORT, with a port from 1 to 65535",
            ),
            (
                "postgres:///d?host=,b",
                "has a host number 1 that must be HOST or HOST:PORT, with a port from 1 to 65535",
            ),
            ("postgres://a,b/d?host=c", "must name its hosts either before the path or in the parameter host"),
            (
                "postgres://a,b/d?port=1,2,3",
                "has a parameter port that must be one port for all 2 hosts, or one for each",
            ),
            ("postgres://a,b/d?port=1,0", "has a parameter port that must be a port from 1 to 65535"),
            ("postgres://a,b/d?hostaddr=::1", "has a parameter hostaddr that must be left out beside several hosts"),
            ("postgres://a,b/d?sslpassword=hush", "has an unknown parameter sslpassword"),
            ("postgres:d", "must be postgres://USER:PASSWORD@HOST/DATABASE"),
        ] {
            assert_eq!(names(text), Err(expected.to_owned()), "{text}");
        }
        for other in ["any", "read-only", "standby", "prefer-standby", "", "Primary"] {
            for hosts in ["a", "a,b"] {
                let refused = names(&format!("postgres://{hosts}/d?target_session_attrs={other}"));
                let expected = "has a parameter target_session_attrs that must be primary or read-write";
                assert_eq!(refused, Err(expected.to_owned()));
            }
        }
    }

    #[test]
    fn the_password_of_several_hosts_is_hidden() {
        for (text, shown) in [
            ("postgres://u:hush@a:1,b/d", "postgres://u:***@a:1,b/d"),
            ("postgres://a,b/d?user=u&password=hush", "postgres://a,b/d?user=u&password=***"),
        ] {
            let url = PgUrl::parse(text).unwrap();
            assert_eq!(url.to_string(), shown);
            assert!(!format!("{url:?}").contains("hush"));
            assert_eq!(PgUrl::parse(shown).unwrap().to_string(), shown);
        }
    }
}
