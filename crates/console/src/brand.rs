//! The look of portal pages: a team's name, logo and colour, and the pages that may frame them.

use std::fmt;

use keymint_actix::origin::TrustedOrigin;

/// The look of portal pages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Brand {
    /// The name of the team or its product; empty = Keymint's own.
    pub name: String,
    /// The logo; `None` = the name alone.
    pub logo: Option<Logo>,
    /// The colour of links and buttons; `None` = Keymint's own.
    pub accent: Option<Accent>,
}

/// An image of at most [`Logo::MAX_BYTES`] bytes: SVG, PNG or WebP.
#[derive(Clone, PartialEq, Eq)]
pub struct Logo {
    pub(crate) content: Vec<u8>,
    pub(crate) extension: &'static str,
    pub(crate) media_type: &'static str,
}

/// The error for a file that is no logo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an SVG, PNG or WebP image of {} bytes or fewer", Logo::MAX_BYTES)]
pub struct InvalidLogo;

impl Logo {
    /// The largest size in bytes: every page loads it.
    pub const MAX_BYTES: usize = 32 * 1024;

    /// Takes the content of a file, whatever its name.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidLogo`] for any other content.
    pub fn new(content: Vec<u8>) -> Result<Self, InvalidLogo> {
        if content.len() > Self::MAX_BYTES {
            return Err(InvalidLogo);
        }
        let (extension, media_type) = match content.as_slice() {
            [0x89, b'P', b'N', b'G', ..] => ("png", "image/png"),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => ("webp", "image/webp"),
            text if is_svg(text) => ("svg", "image/svg+xml"),
            _ => return Err(InvalidLogo),
        };
        Ok(Self { content, extension, media_type })
    }
}

fn is_svg(content: &[u8]) -> bool {
    let text = std::str::from_utf8(content).unwrap_or_default().trim_start_matches('\u{feff}').trim_start();
    text.starts_with("<svg") || (text.starts_with("<?xml") && text.contains("<svg"))
}

impl fmt::Debug for Logo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logo")
            .field("media_type", &self.media_type)
            .field("bytes", &self.content.len())
            .finish_non_exhaustive()
    }
}

/// A colour of links and buttons that can be read on the pages' backgrounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accent(Colour);

/// The error for a text that is no such colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAccent {
    /// The text is no colour.
    #[error("must be a colour of six hexadecimal digits, as in #4338ca")]
    NoColour,
    /// Text in this colour cannot be read (WCAG 2.2, 1.4.3).
    #[error("must be darker: its contrast to the light background of a chosen entry is below 4.5")]
    TooLight,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Colour([u8; 3]);

const WHITE: Colour = Colour([0xff; 3]);
const BLACK: Colour = Colour([0; 3]);
/// The background of cards in the dark theme.
const DARK: Colour = Colour([0x1b, 0x1c, 0x22]);
/// The least contrast of text to its background.
const LEAST: f64 = 4.5;

impl Accent {
    /// Reads a colour, as in `#4338ca`. The dark theme takes a lighter one of the same hue.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidAccent`] for any other text, and for a colour that is too light for white text on it.
    pub fn parse(text: &str) -> Result<Self, InvalidAccent> {
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6).ok_or(InvalidAccent::NoColour)?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(InvalidAccent::NoColour);
        }
        let part = |at: usize| digits.get(at..at + 2).and_then(|part| u8::from_str_radix(part, 16).ok());
        let (Some(red), Some(green), Some(blue)) = (part(0), part(2), part(4)) else {
            return Err(InvalidAccent::NoColour);
        };
        let accent = Colour([red, green, blue]);
        if accent.contrast(accent.mixed(WHITE, 91)) < LEAST {
            return Err(InvalidAccent::TooLight);
        }
        Ok(Self(accent))
    }

    /// Returns the style sheet that follows that of the console.
    pub(crate) fn style(self) -> String {
        let Self(light) = self;
        let light_values = values(light, light.mixed(BLACK, 20), "#fff", light.mixed(WHITE, 91));
        let lighter = |share: &u8| {
            let colour = light.mixed(WHITE, *share);
            colour.contrast(DARK.mixed(colour, 15)) >= LEAST
        };
        let dark = light.mixed(WHITE, (0..=100).step_by(5).find(lighter).unwrap_or(100));
        let dark_values = values(dark, dark.mixed(WHITE, 25), "#15161b", DARK.mixed(dark, 15));
        format!(
            ":root{{{light_values}}}\n@media (prefers-color-scheme:dark){{:root:not([data-theme=\"light\"]){{{dark_values}}}}}\n\
             :root[data-theme=\"dark\"]{{{dark_values}}}\n"
        )
    }
}

fn values(accent: Colour, strong: Colour, on_accent: &str, soft: Colour) -> String {
    format!("--accent:{accent};--accent-strong:{strong};--on-accent:{on_accent};--accent-soft:{soft}")
}

impl Colour {
    /// Returns this colour with `share` percent of another one.
    fn mixed(self, other: Self, share: u8) -> Self {
        let (Self(ones), Self(others)) = (self, other);
        let share = u16::from(share.min(100));
        let mix = |one: u8, two: u8| {
            u8::try_from((u16::from(one) * (100 - share) + u16::from(two) * share) / 100).unwrap_or(u8::MAX)
        };
        Self(std::array::from_fn(|at| mix(ones[at], others[at])))
    }

    /// Returns the contrast of two colours, 1 to 21 (WCAG 2.2).
    fn contrast(self, other: Self) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    fn luminance(self) -> f64 {
        let [red, green, blue] = self.0.map(|part| {
            let part = f64::from(part) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        });
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self([red, green, blue]) = self;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

impl fmt::Display for Accent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An origin whose pages may show the portal in a frame: `https://app.example.com`, or `https://*.example.com`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameAncestor(String);

/// The error for a text that is no such origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an origin as in https://app.example.com, or with any subdomain as in https://*.example.com")]
pub struct InvalidFrameAncestor;

impl FrameAncestor {
    /// Reads an origin.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidFrameAncestor`] for any other text.
    pub fn parse(text: &str) -> Result<Self, InvalidFrameAncestor> {
        let origin = TrustedOrigin::parse(text).map_err(|_| InvalidFrameAncestor)?;
        let host = origin.as_str().strip_prefix("https://").or_else(|| origin.as_str().strip_prefix("http://"));
        let host = host.ok_or(InvalidFrameAncestor)?;
        // The text becomes a part of a header, where other characters have a meaning.
        let rest = host.strip_prefix("*.").unwrap_or(host);
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'[' | b']');
        let is_host = !rest.is_empty() && rest.bytes().all(is_plain) && !rest.starts_with(['.', ':']);
        if is_host { Ok(Self(origin.as_str().to_owned())) } else { Err(InvalidFrameAncestor) }
    }
}

impl fmt::Display for FrameAncestor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_accent_can_be_read_in_both_themes() {
        for text in ["#4338ca", "#0B6E4F", "#b3261e", "#000000", "#1d4ed8"] {
            let accent = Accent::parse(text).unwrap();
            assert_eq!(accent.to_string(), text.to_ascii_lowercase());
            let style = accent.style();
            let dark = style.lines().nth(2).and_then(|line| line.split("--accent:").nth(1)).unwrap();
            let Accent(dark) = parse_any(&dark[..7]);
            assert!(
                dark.contrast(DARK) >= LEAST && dark.contrast(Colour([0x15, 0x16, 0x1b])) >= LEAST,
                "{text}: {style}"
            );
        }
        for text in ["#ffffff", "#ffcc00", "#9ca3af", "#22c55e"] {
            assert_eq!(Accent::parse(text), Err(InvalidAccent::TooLight), "{text}");
        }
        for text in ["", "4338ca", "#fff", "red", "#4338cag", "#4338c", "#+338ca", "#é338c", "#000000;}"] {
            assert_eq!(Accent::parse(text), Err(InvalidAccent::NoColour), "{text}");
        }
        assert!((WHITE.contrast(BLACK) - 21.0).abs() < 1e-9);
    }

    fn parse_any(text: &str) -> Accent {
        let part = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
        Accent(Colour([part(1), part(3), part(5)]))
    }

    #[test]
    fn an_ancestor_is_an_origin_and_nothing_that_a_header_could_mistake() {
        for text in ["https://app.example.com", "http://localhost:3000", "https://*.example.com", "https://[::1]:8443"]
        {
            assert_eq!(FrameAncestor::parse(text).unwrap().to_string(), text);
        }
        for text in [
            "",
            "*",
            "https://*",
            "https:",
            "'none'",
            "*.example.com",
            "https://a.*.com",
            "https://*.*",
            "https://a.example;script-src *",
            "https://*.example.com;x",
            "https://*.example.com, https://b.example",
            "https://a.example/b",
            "myapp://",
            "https://*.example.com?",
        ] {
            assert_eq!(FrameAncestor::parse(text), Err(InvalidFrameAncestor), "{text}");
        }
    }

    #[test]
    fn a_logo_is_a_small_image() {
        let svg = |text: &str| Logo::new(text.as_bytes().to_vec()).map(|logo| logo.extension);
        assert_eq!(svg("<svg xmlns=\"http://www.w3.org/2000/svg\"/>"), Ok("svg"));
        assert_eq!(svg("\u{feff}<?xml version=\"1.0\"?>\n<svg/>"), Ok("svg"));
        assert_eq!(Logo::new(b"\x89PNG\r\n\x1a\nrest".to_vec()).map(|logo| logo.media_type), Ok("image/png"));
        assert_eq!(Logo::new(b"RIFF\0\0\0\0WEBPrest".to_vec()).map(|logo| logo.media_type), Ok("image/webp"));
        for content in
            [b"".to_vec(), b"<html>".to_vec(), b"GIF89a".to_vec(), vec![0xff; 8], vec![b'<'; Logo::MAX_BYTES + 1]]
        {
            assert_eq!(Logo::new(content), Err(InvalidLogo));
        }
    }
}
