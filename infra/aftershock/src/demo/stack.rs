//! The invented crashes of `stacks.txt`.

const TEXT: &str = include_str!("stacks.txt");

/// One crash that reports are made of.
#[derive(Clone, Debug)]
pub struct Crash {
    /// 1 Android, 2 iOS, 10 PC.
    pub platform: i64,
    pub category: &'static str,
    pub exception_type: &'static str,
    /// How often it happens, against the others of its platform.
    pub weight: u64,
    /// The first version that has it.
    pub since: &'static str,
    pub name: &'static str,
    pub text: &'static str,
    pub thread: &'static str,
    pub stack: &'static str,
}

/// All of them, in the file's order.
pub fn crashes() -> Vec<Crash> {
    TEXT.split("\n@ ").skip(1).filter_map(crash).collect()
}

fn crash(block: &'static str) -> Option<Crash> {
    let (head, rest) = block.split_once('\n')?;
    let mut words = head.split_whitespace();
    let (name, rest) = labelled(rest, "name")?;
    let (text, rest) = labelled(rest, "text")?;
    let (thread, stack) = labelled(rest, "thread")?;
    Some(Crash {
        platform: words.next()?.parse().ok()?,
        category: words.next()?,
        exception_type: words.next()?,
        weight: words.next()?.parse().ok()?,
        since: words.next()?,
        name,
        text,
        thread,
        stack: stack.trim_end(),
    })
}

/// The value of the first line, which begins with `label`, and what follows that line.
fn labelled(text: &'static str, label: &str) -> Option<(&'static str, &'static str)> {
    let (line, rest) = text.split_once('\n')?;
    Some((line.strip_prefix(label)?.trim(), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_block_is_read() {
        let crashes = crashes();
        assert_eq!(crashes.len(), TEXT.matches("\n@ ").count());
        assert!(crashes.len() >= 40);
        for crash in crashes {
            assert!([1, 2, 10].contains(&crash.platform), "{crash:?}");
            assert!(["crash", "anr", "error"].contains(&crash.category), "{crash:?}");
            assert!(crash.weight > 0, "{crash:?}");
            assert!(!crash.text.is_empty() || !crash.stack.is_empty(), "{crash:?}");
        }
    }
}
