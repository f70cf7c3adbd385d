//! A command line as a shell would take it apart: so that one can be pasted as it stands, quotes, line breaks and all.

use std::{iter::Peekable, str::Chars};

/// The words of one command, as a POSIX shell reads it, `$'…'` included. What stands behind an unquoted `|` or `;` is
/// left out: it is another command.
///
/// # Errors
/// What was found and what would be right, for a quote that does not end and for what only a shell could know, such as
/// the value of a variable.
pub fn words(line: &str) -> Result<Vec<String>, String> {
    if line.contains("^\n") || line.contains("^\r\n") || line.contains("^\"") {
        return Err("found the quoting of Windows' cmd, expected that of a POSIX shell, as a browser's \
                    \"Copy as cURL (bash)\" gives it"
            .to_owned());
    }
    let mut reader = Reader { left: line.chars().peekable(), word: None, words: Vec::new() };
    reader.read()?;
    Ok(reader.words)
}

struct Reader<'l> {
    left: Peekable<Chars<'l>>,
    /// The word at hand; Some("") once a quote began it.
    word: Option<String>,
    words: Vec<String>,
}

impl Reader<'_> {
    fn read(&mut self) -> Result<(), String> {
        while let Some(letter) = self.left.next() {
            match letter {
                ' ' | '\t' | '\n' | '\r' => self.end_word(),
                '|' | ';' => break,
                '#' if self.word.is_none() => while self.left.next_if(|letter| *letter != '\n').is_some() {},
                '&' | '<' | '>' | '(' | ')' => return Err(special(letter)),
                '\'' => self.single()?,
                '"' => self.double()?,
                '\\' => self.escaped(),
                '$' if self.left.next_if_eq(&'\'').is_some() => self.ansi()?,
                '$' if self.left.next_if_eq(&'"').is_some() => self.double()?,
                '$' | '`' => self.expansion(letter)?,
                plain => self.push(plain),
            }
        }
        self.end_word();
        Ok(())
    }

    fn push(&mut self, letter: char) {
        self.word.get_or_insert_default().push(letter);
    }

    fn end_word(&mut self) {
        self.words.extend(self.word.take());
    }

    /// A backslash outside of quotes: the next character as it is; of a line break, nothing.
    fn escaped(&mut self) {
        // Pasted from Windows, a continued line ends in two characters.
        let _ = self.left.next_if_eq(&'\r');
        match self.left.next() {
            Some('\n') => {}
            Some(letter) => self.push(letter),
            None => self.push('\\'),
        }
    }

    fn single(&mut self) -> Result<(), String> {
        self.word.get_or_insert_default();
        loop {
            match self.left.next() {
                Some('\'') => return Ok(()),
                Some(letter) => self.push(letter),
                None => return Err(unended('\'')),
            }
        }
    }

    fn double(&mut self) -> Result<(), String> {
        self.word.get_or_insert_default();
        loop {
            match self.left.next() {
                Some('"') => return Ok(()),
                Some('\\') => match self.left.next_if(|letter| matches!(letter, '"' | '\\' | '$' | '`' | '\n')) {
                    Some('\n') => {}
                    Some(letter) => self.push(letter),
                    None => self.push('\\'),
                },
                Some(letter @ ('$' | '`')) => self.expansion(letter)?,
                Some(letter) => self.push(letter),
                None => return Err(unended('"')),
            }
        }
    }

    /// `$` with nothing behind it that could be a name is a dollar; everything else only a shell knows.
    fn expansion(&mut self, letter: char) -> Result<(), String> {
        let named = |next: &char| next.is_ascii_alphanumeric() || matches!(next, '_' | '{' | '(' | '?' | '@' | '*');
        if letter == '`' || self.left.peek().is_some_and(named) {
            let what = if letter == '`' { "a command in backquotes" } else { "an expansion, `$`" };
            return Err(format!("found {what}, expected what it stands for, or single quotes around it"));
        }
        self.push(letter);
        Ok(())
    }

    /// `$'…'`, in which backslashes mean what they mean in C.
    fn ansi(&mut self) -> Result<(), String> {
        let mut bytes = self.word.take().unwrap_or_default().into_bytes();
        loop {
            match self.left.next() {
                Some('\'') => break,
                Some('\\') => self.ansi_escape(&mut bytes),
                Some(letter) => push_char(&mut bytes, letter),
                None => return Err(unended('\'')),
            }
        }
        let word = String::from_utf8(bytes);
        self.word = Some(word.map_err(|_| "found bytes in $'…' that are no UTF-8, expected text".to_owned())?);
        Ok(())
    }

    fn ansi_escape(&mut self, bytes: &mut Vec<u8>) {
        match self.left.next() {
            Some('n') => bytes.push(b'\n'),
            Some('t') => bytes.push(b'\t'),
            Some('r') => bytes.push(b'\r'),
            Some('a') => bytes.push(7),
            Some('b') => bytes.push(8),
            Some('e' | 'E') => bytes.push(27),
            Some('f') => bytes.push(12),
            Some('v') => bytes.push(11),
            Some('x') => match self.number(16, 2, None) {
                Some(code) => bytes.extend(byte(code)),
                None => bytes.extend(b"\\x"),
            },
            Some('u') => self.character(4, 'u', bytes),
            Some('U') => self.character(8, 'U', bytes),
            Some(digit @ '0'..='7') => {
                let code = self.number(8, 2, digit.to_digit(8));
                bytes.extend(code.and_then(byte));
            }
            Some(letter @ ('\\' | '\'' | '"' | '?')) => push_char(bytes, letter),
            Some(other) => {
                bytes.push(b'\\');
                push_char(bytes, other);
            }
            None => bytes.push(b'\\'),
        }
    }

    /// Up to `most` digits more of a number that began with `first`; None where there is none at all.
    fn number(&mut self, radix: u32, most: usize, first: Option<u32>) -> Option<u32> {
        let mut number = first;
        for _ in 0..most {
            let Some(digit) = self.left.next_if(|letter| letter.is_digit(radix)) else { break };
            let digit = digit.to_digit(radix)?;
            number = Some(number.unwrap_or(0).wrapping_mul(radix).wrapping_add(digit));
        }
        number
    }

    fn character(&mut self, digits: usize, letter: char, bytes: &mut Vec<u8>) {
        match self.number(16, digits, None) {
            Some(code) => push_char(bytes, char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)),
            None => bytes.extend(format!("\\{letter}").bytes()),
        }
    }
}

fn byte(code: u32) -> Option<u8> {
    u8::try_from(code & 0xff).ok()
}

fn push_char(bytes: &mut Vec<u8>, letter: char) {
    bytes.extend(letter.encode_utf8(&mut [0; 4]).bytes());
}

fn special(letter: char) -> String {
    format!(
        "found `{letter}` outside of quotes, where a shell would end the command, expected the command alone, the URL in quotes"
    )
}

fn unended(quote: char) -> String {
    format!("found a quote {quote} that does not end, expected another {quote}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_what_a_shell_makes_of_them() {
        for (line, expected) in [
            ("", &[][..]),
            (" a  b\tc\n", &["a", "b", "c"]),
            ("a \\\n  b \\\r\n c", &["a", "b", "c"]),
            (r#"'a b'"c d"e\ f"#, &["a bc de f"]),
            ("'' \"\"", &["", ""]),
            (r#"'it'\''s' "a\"b\\c\d" '\n'"#, &["it's", r#"a"b\c\d"#, r"\n"]),
            (r"$'a\n\t\'\\\x41\u00e9\U0001f600\101\q' x$'y'", &["a\n\t'\\A\u{e9}\u{1f600}A\\q", "xy"]),
            (r"$'\xc3\xa9'", &["é"]),
            ("curl a | jq .", &["curl", "a"]),
            ("curl a; rm b", &["curl", "a"]),
            ("a # b c\nd a#b", &["a", "d", "a#b"]),
            ("'$HOME' a$ \"5$\" \\$x", &["$HOME", "a$", "5$", "$x"]),
        ] {
            assert_eq!(words(line).unwrap(), expected, "{line}");
        }
    }

    #[test]
    fn what_only_a_shell_could_know_is_refused() {
        for (line, said) in [
            ("curl http://a/?b&c", "found `&` outside of quotes"),
            ("curl a > b", "found `>` outside"),
            ("'a", "found a quote ' that does not end"),
            ("\"a", "found a quote \" that does not end"),
            ("$'a", "found a quote ' that does not end"),
            ("curl $HOST", "found an expansion"),
            ("\"${HOST}\"", "found an expansion"),
            ("`date`", "found a command in backquotes"),
            (r"$'\xff'", "found bytes in $'…' that are no UTF-8"),
            ("curl \"a\" ^\n -k", "found the quoting of Windows' cmd"),
        ] {
            let refused = words(line).unwrap_err();
            assert!(refused.starts_with(said) && refused.contains(", expected "), "{line}: {refused}");
        }
    }
}
