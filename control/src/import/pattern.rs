//! Regular expressions of other systems, which search, as those of the language, which are about the whole value.
//!
//! PCRE (nginx) and RE2 (Higress) share most of their syntax with the language's. What only one side knows is refused by name;
//! what both know and read differently is rewritten.

/// The expression that is about the whole value and holds where a search for `pattern` finds something.
///
/// # Errors
/// What of it the language does not have, in words.
pub fn whole(pattern: &str) -> Result<String, String> {
    let Rewritten { text, alternatives } = rewrite(pattern)?;
    let (begins, rest) = match text.strip_prefix('^').filter(|_| !alternatives) {
        Some(rest) => (true, rest),
        None => (false, text.as_str()),
    };
    let (ends, rest) = match rest.strip_suffix('$').filter(|rest| !alternatives && !is_escaped(rest)) {
        Some(rest) => (true, rest),
        None => (false, rest),
    };
    if begins && ends {
        return Ok(rest.to_owned());
    }
    let around = |anchored: bool| if anchored { "" } else { "(?s:.*)" };
    Ok(format!("{}(?:{rest}){}", around(begins), around(ends)))
}

/// Whether an odd number of backslashes ends the text, so that what follows is escaped.
fn is_escaped(text: &str) -> bool {
    text.bytes().rev().take_while(|&byte| byte == b'\\').count() % 2 == 1
}

struct Rewritten {
    text: String,
    /// Whether a `|` stands outside of any group: anchors at the ends then belong to one side of it.
    alternatives: bool,
}

fn rewrite(pattern: &str) -> Result<Rewritten, String> {
    let mut reader = Reader { rest: pattern.chars().peekable(), text: String::with_capacity(pattern.len()) };
    let mut depth = 0_usize;
    let mut alternatives = false;
    let mut after_quantifier = false;
    while let Some(letter) = reader.rest.next() {
        let quantifier = matches!(letter, '*' | '+' | '?' | '}');
        match letter {
            '\\' => reader.escape(false)?,
            '[' => reader.class()?,
            '+' if after_quantifier => return Err("a possessive quantifier such as `*+`".to_owned()),
            '{' if reader.rest.peek() == Some(&',') => return Err("`{,`, which engines read differently".to_owned()),
            '(' => {
                depth = depth.saturating_add(1);
                reader.group()?;
            }
            ')' => {
                depth = depth.saturating_sub(1);
                reader.text.push(')');
            }
            other => {
                alternatives |= other == '|' && depth == 0;
                reader.text.push(other);
            }
        }
        after_quantifier = quantifier;
    }
    Ok(Rewritten { text: reader.text, alternatives })
}

struct Reader<'p> {
    rest: std::iter::Peekable<std::str::Chars<'p>>,
    text: String,
}

impl Reader<'_> {
    /// What follows a backslash.
    fn escape(&mut self, in_class: bool) -> Result<(), String> {
        let Some(letter) = self.rest.next() else { return Err("a backslash at its end".to_owned()) };
        match letter {
            '1'..='9' if !in_class => return Err(format!("the back reference `\\{letter}`")),
            'k' | 'g' | 'K' | 'G' | 'Z' | 'C' | 'R' | 'X' | 'h' | 'H' | 'N' | 'Q' | 'E' => {
                return Err(format!("`\\{letter}`"));
            }
            // Borders of words elsewhere: here they are these characters.
            '<' | '>' => self.text.push(letter),
            other => self.text.extend(['\\', other]),
        }
        Ok(())
    }

    /// A class in brackets. Within one, `[`, `&&`, `--` and `~~` are plain characters to the other engines.
    fn class(&mut self) -> Result<(), String> {
        self.text.push('[');
        for first in ['^', ']'] {
            if self.rest.next_if_eq(&first).is_some() {
                self.text.push(first);
            }
        }
        let mut before = None;
        while let Some(letter) = self.rest.next() {
            match letter {
                ']' => {
                    self.text.push(']');
                    return Ok(());
                }
                '\\' => self.escape(true)?,
                '[' if self.rest.peek() == Some(&':') => self.named_class()?,
                '[' => self.text.push_str("\\["),
                '&' | '-' | '~' if before == Some(letter) => self.text.extend(['\\', letter]),
                other => self.text.push(other),
            }
            before = Some(letter);
        }
        Err("a class without its `]`".to_owned())
    }

    /// `[:alpha:]` within a class.
    fn named_class(&mut self) -> Result<(), String> {
        self.text.push('[');
        for letter in self.rest.by_ref() {
            self.text.push(letter);
            if letter == ']' {
                return Ok(());
            }
        }
        Err("a class without its `]`".to_owned())
    }

    /// What follows an opening parenthesis.
    fn group(&mut self) -> Result<(), String> {
        self.text.push('(');
        if self.rest.next_if_eq(&'?').is_none() {
            return Ok(());
        }
        let ahead: String = self.rest.clone().take(2).collect();
        let foreign = match ahead.chars().next() {
            Some('=' | '!') => "a look ahead",
            Some('>') => "an atomic group",
            Some('(') => "a conditional",
            Some('|' | '#' | '&' | 'R' | '0'..='9' | '+') => "a recursion, a comment or a branch reset",
            Some('<') if matches!(ahead.as_str(), "<=" | "<!") => "a look behind",
            Some('P') if ahead == "P=" => "a back reference by name",
            Some('P') if ahead == "P>" => "a recursion by name",
            _ => {
                self.text.push('?');
                return Ok(());
            }
        };
        Err(format!("{foreign} `(?{ahead}…`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_becomes_an_expression_about_the_whole() {
        for (search, expected) in [
            ("^v2$", "v2"),
            ("^v2", "(?:v2)(?s:.*)"),
            ("v2$", "(?s:.*)(?:v2)"),
            ("v2", "(?s:.*)(?:v2)(?s:.*)"),
            ("^a|b$", "(?s:.*)(?:^a|b$)(?s:.*)"),
            ("^(a|b)$", "(a|b)"),
            (r"^a\$", r"(?:a\$)(?s:.*)"),
            (r"^a\\$", r"a\\"),
            ("(?i)^x$", "(?s:.*)(?:(?i)^x)"),
            ("^[]a[|]$", r"[]a\[|]"),
            ("^[[:alpha:]&&x]+$", r"[[:alpha:]&\&x]+"),
            (r"^\<b\>$", "<b>"),
            (r"^(?<n>a)(?P<m>b)(?:c)$", "(?<n>a)(?P<m>b)(?:c)"),
        ] {
            assert_eq!(whole(search).as_deref(), Ok(expected), "{search}");
        }
    }

    #[test]
    fn what_the_language_does_not_have_is_named() {
        for (pattern, named) in [
            ("(?=a)", "look ahead"),
            ("(?!a)", "look ahead"),
            ("(?<=a)b", "look behind"),
            ("(?<!a)b", "look behind"),
            ("(?>a)", "atomic"),
            (r"(a)\1", "back reference"),
            ("a*+", "possessive"),
            ("a{2}+", "possessive"),
            ("a{,3}", "`{,`"),
            (r"a\K", r"`\K`"),
            ("[a", "class"),
            ("a\\", "backslash"),
        ] {
            let refused = whole(pattern).unwrap_err();
            assert!(refused.contains(named), "{pattern}: {refused}");
        }
    }
}
