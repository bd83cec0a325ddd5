//! What grouping a report costs, by language: the median depth of real reports, their 95th percentile, and what comes of extremes.

use super::figure;
use processor::group::{Subject, group};
use std::fmt::Write as _;
use std::time::Instant;

/// Frames of the median and of the 95th percentile of real reports (40,590 crashes of a desktop system).
const MEDIAN: usize = 16;
const DEEP: usize = 70;

/// A language: what stands before the frames, and one frame.
type Language = (&'static str, &'static str, fn(&mut String, usize));

const LANGUAGES: [Language; 13] = [
    ("java", "java.lang.IllegalStateException: cart of user 4711 is empty\n", |out, n| {
        let _ = writeln!(out, "\tat com.shop.module{}.checkout.CartService$Inner.lambda$total${n}(CartService.java:{})", n % 9, n * 7);
    }),
    ("android", "FATAL EXCEPTION: main\nProcess: com.shop, PID: 812\njava.lang.NullPointerException: null object reference\n", |out, n| {
        let _ = writeln!(out, "\tat com.shop.ui{}.CartFragment.onClick{n}(CartFragment.kt:{})", n % 9, n * 7);
    }),
    ("python", "Traceback (most recent call last):\n", |out, n| {
        let _ = writeln!(out, "  File \"/srv/app/shop/module{}/cart.py\", line {}, in total_{n}\n    return self.items[0]", n % 9, n * 7);
    }),
    ("javascript", "TypeError: Cannot read properties of undefined (reading 'total')\n", |out, n| {
        let _ = writeln!(out, "    at Cart.total{n} (https://shop.cn/static/js/app.3f2a91bc.js:1:{})", n * 700);
    }),
    ("csharp", "System.NullReferenceException: Object reference not set\n", |out, n| {
        let _ = writeln!(out, "   at Shop.Module{}.Cart.<Total>d__{n}.MoveNext() in C:\\src\\Cart.cs:line {}", n % 9, n * 7);
    }),
    (
        "asan",
        "==9==ERROR: AddressSanitizer: heap-use-after-free on address 0x602000000014 at pc 0x4db921\nREAD of size 4 at 0x60 thread T0\n",
        |out, n| {
            let args = "std::vector<int, std::allocator<int> >&, char const*";
            let _ = writeln!(
                out,
                "    #{n} 0x4ff0{n:02x} in shop::module{}::Cart<int>::total{n}({args}) const /src/shop/cart.cc:{}:3",
                n % 9,
                n * 7
            );
        },
    ),
    ("gdb", "Program received signal SIGSEGV, Segmentation fault.\n", |out, n| {
        let _ = writeln!(
            out,
            "#{n}  0x00005555555{n:05x} in shop::module{}::Cart::total{n} (this=0x5555, id=4711) at /src/shop/cart.cc:{}",
            n % 9,
            n * 7
        );
    }),
    ("tombstone", "signal 11 (SIGSEGV), code 1 (SEGV_MAPERR), fault addr 0x10\nbacktrace:\n", |out, n| {
        let _ = writeln!(
            out,
            "      #{n:02} pc 00000000000a{n:04x}  /data/app/com.shop-1/lib/arm64/libshop.so (shop::Texture{}::upload{n}(int)+20)",
            n % 9
        );
    }),
    ("apple", "Exception Type:  EXC_BAD_ACCESS (SIGSEGV)\n\nThread 0 Crashed:\n", |out, n| {
        let _ = writeln!(out, "{n}   Shop   0x00000001029a{n:04x} -[CartView{} total{n}:] + 20 (CartView.m:{})", n % 9, n * 7);
    }),
    ("go", "panic: runtime error: index out of range [5] with length 3\n\ngoroutine 7 [running]:\n", |out, n| {
        let _ = writeln!(out, "example.com/shop/module{}/cart.(*Cart).Total{n}(0xc000012345)\n\t/src/cart.go:{} +0x12", n % 9, n * 7);
    }),
    ("rust", "thread 'main' panicked at src/cart.rs:12:5:\ncart is empty\nstack backtrace:\n", |out, n| {
        let _ =
            writeln!(out, "   {n}: shop::module{}::cart::total{n}::h0123456789abcdef\n             at ./src/cart.rs:{}:5", n % 9, n * 7);
    }),
    ("kernel", "[   35.046][ T5851] BUG: KASAN: use-after-free in shop_read+0xac/0xc3\n[   35.048][ T5851] Call Trace:\n", |out, n| {
        let _ = writeln!(out, "[   35.05{}][ T5851]  shop_ioctl_{n}+0x11/0x20", n % 9);
    }),
    ("php", "RuntimeException: no stock\n", |out, n| {
        let _ = writeln!(out, "#{n} /srv/shop/module{}/cart.php({}): Shop\\Cart->total{n}(5)", n % 9, n * 7);
    }),
];

fn stack((_, head, frame): &Language, frames: usize) -> String {
    let mut text = (*head).to_owned();
    (0..frames).for_each(|n| frame(&mut text, n));
    text
}

/// The best of several rounds, in microseconds a report.
fn microseconds(text: &str, times: u32) -> f64 {
    let subject = Subject { app_id: "shop", platform_id: 1, category: "crash", stack: text, ..Subject::default() };
    let round = |_| {
        let start = Instant::now();
        (0..times).for_each(|_| {
            std::hint::black_box(group(std::hint::black_box(&subject)));
        });
        start.elapsed().as_secs_f64() * 1e6 / f64::from(times)
    };
    (0..9).map(round).fold(f64::INFINITY, f64::min)
}

pub fn by_language() {
    for language in &LANGUAGES {
        let of = |frames| microseconds(&stack(language, frames), 400);
        let (median, deep) = (of(MEDIAN), of(DEEP));
        figure(&format!("group {}, {MEDIAN} frames", language.0), median, "us/report", "one thread, best of 9 times 400");
        figure(&format!("group {}, {DEEP} frames", language.0), deep, "us/report", "the same");
    }
}

pub fn extremes() {
    for language in &LANGUAGES {
        let whole = stack(language, 2_000);
        let mut large = stack(language, 12);
        while large.len() < 1 << 20 {
            large.push_str("an ordinary line of a log, 12:00:00.123 user 4711 [worker-3] (id=0x7fff01) went on\n");
        }
        figure(
            &format!("group {}, 2,000 frames", language.0),
            microseconds(&whole, 10),
            "us/report",
            &format!("{} KB of text", whole.len() >> 10),
        );
        figure(&format!("group {}, 1 MB of text", language.0), microseconds(&large, 2), "us/report", "12 frames, then log lines");
    }
}
