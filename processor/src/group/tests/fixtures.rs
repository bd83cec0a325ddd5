//! One stack per language and format, written for these tests.

/// Name and text.
pub const FIXTURES: [(&str, &str); 18] = [
    (
        "java",
        "com.shop.PayException: payment failed\n\tat com.shop.Checkout.pay(Checkout.java:40)\n\tat com.shop.Main.main(Main.java:9)\n\
         Caused by: java.lang.IllegalStateException: cart of user 张三 is empty\n\tat java.base/java.util.Objects.requireNonNull(Objects.java:246)\n\
         \tat com.shop.Cart.total(Cart.java:12)\n\tat com.shop.Cart.lambda$pay$3(Cart.java:20)\n\
         \tat com.shop.Cart$$Lambda$14/0x0000000800c4.run(Unknown Source)\n\t... 1 more\n",
    ),
    (
        "android",
        "FATAL EXCEPTION: main\nProcess: com.shop, PID: 812\njava.lang.NullPointerException: Attempt to invoke virtual method on a null object reference\n\
         \tat com.shop.ui.CartFragment.onClick(CartFragment.kt:77)\n\tat android.view.View.performClick(View.java:7448)\n\
         \tat android.os.Handler.handleCallback(Handler.java:938)\n\tat com.android.internal.os.ZygoteInit.main(ZygoteInit.java:1003)\n",
    ),
    (
        "java_system_only",
        "java.util.concurrent.TimeoutException: android.os.BinderProxy.finalize() timed out after 10 seconds\n\
         \tat android.os.BinderProxy.destroy(Native Method)\n\tat java.lang.Daemons$FinalizerDaemon.run(Daemons.java:215)\n",
    ),
    (
        "java_oom",
        "java.lang.OutOfMemoryError: Failed to allocate a 4194316 byte allocation with 1021 free bytes\n\tat com.shop.Image.load(Image.java:3)\n",
    ),
    (
        "python",
        "Traceback (most recent call last):\n  File \"/srv/app/shop/main.py\", line 9, in run\n    cart.total()\n  \
         File \"/srv/app/shop/cart.py\", line 12, in total\n    return self.items[0]\nIndexError: list index out of range\n",
    ),
    (
        "python_library",
        "Traceback (most recent call last):\n  File \"/srv/app/shop/net.py\", line 4, in fetch\n    get()\n  \
         File \"/usr/lib/python3.12/site-packages/requests/api.py\", line 73, in get\n    send()\nrequests.exceptions.ConnectionError: 连接失败\n",
    ),
    (
        "javascript",
        "TypeError: Cannot read properties of undefined (reading 'total')\n    at Cart.total (https://shop.cn/js/app.3f2a91bc.js:1:200)\n    \
         at async pay (https://shop.cn/js/app.3f2a91bc.js:1:900)\n    at dispatch (webpack:///node_modules/redux/index.js:3:4)\n",
    ),
    ("javascript_gecko", "ReferenceError: cart is not defined\npay@https://shop.cn/js/pay.js:10:3\nonclick@https://shop.cn/:1:1\n"),
    (
        "csharp",
        "System.AggregateException: One or more errors occurred. ---> System.NullReferenceException: Object reference not set\n   \
         at Shop.Cart.<Total>d__5.MoveNext() in C:\\src\\购物车\\Cart.cs:line 40\n   \
         at System.Runtime.CompilerServices.TaskAwaiter.ThrowForNonSuccess(Task task)\n   at Shop.Checkout.Pay(Order order)\n   \
         --- End of inner exception stack trace ---\n",
    ),
    (
        "unity",
        "NullReferenceException: Object reference not set to an instance of an object\nShop.Ui.Panel:Open (int) (at Assets/Ui/Panel.cs:31)\n\
         UnityEngine.Events.UnityEvent:Invoke () (at <0badcafe>:0)\n",
    ),
    (
        "asan",
        "==9==ERROR: AddressSanitizer: heap-use-after-free on address 0x602000000014 at pc 0x4db921\nREAD of size 4 at 0x602000000014 thread T0\n    \
         #0 0x4db921 in __asan_memcpy /asan/mem.cc:22:3\n    #1 0x4ff001 in shop::Cart<int>::total(int) const /src/cart.cc:12:3\n    \
         #2 0x4ff002 in shop::pay(std::vector<int, std::allocator<int> >&) /src/pay.cc:8:1\n    #3 0x7f01 in __libc_start_main (/lib/libc.so.6+0x2f)\n",
    ),
    (
        "gdb",
        "Program received signal SIGFPE, Arithmetic exception.\n#0  0x0000555555 in shop::average (items=0x1, count=0) at /src/average.cc:4\n\
         #1  0x0000555556 in main () at /src/main.cc:9\n",
    ),
    (
        "tombstone",
        "signal 11 (SIGSEGV), code 1 (SEGV_MAPERR), fault addr 0x10\nbacktrace:\n      \
         #00 pc 000000000004793e  /apex/com.android.runtime/lib64/bionic/libc.so (memcpy+14) (BuildId: 0badcafe)\n      \
         #01 pc 00000000000a1b2c  /data/app/com.shop-1/lib/arm64/libshop.so (shop::Texture::upload(int)+20)\n",
    ),
    (
        "apple",
        "Exception Type:  EXC_BAD_ACCESS (SIGSEGV)\n\nThread 0 Crashed:\n0   libobjc.A.dylib  0x000000019a objc_msgSend + 16\n\
         1   Shop   0x0000000102 -[CartView total:] + 20 (CartView.m:12)\n2   UIKitCore   0x00000001a -[UIApplication sendAction:] + 96\n",
    ),
    (
        "go",
        "panic: runtime error: index out of range [5] with length 3\n\ngoroutine 7 [running]:\nexample.com/shop/cart.(*Cart).Total(0xc000012345)\n\
         \t/src/cart.go:40 +0x12\nmain.main()\n\t/src/main.go:9 +0x1\n",
    ),
    (
        "rust",
        "thread 'main' panicked at src/cart.rs:12:5:\ncart is empty\nstack backtrace:\n   0: rust_begin_unwind\n             at /rustc/ab/std/panicking.rs:1:5\n   \
         1: shop::cart::total::h0123456789abcdef\n             at ./src/cart.rs:12:5\n   2: shop::main::h0123456789abcdef\n",
    ),
    ("php", "RuntimeException: no stock\n#0 /srv/shop/cart.php(12): Shop\\Cart->total(5)\n#1 /srv/shop/index.php(3): run()\n#2 {main}\n"),
    (
        "lua",
        "lua: scripts/cart.lua:12: attempt to index a nil value (local 'item')\nstack traceback:\n\tscripts/cart.lua:12: in function 'total'\n\t[C]: in ?\n",
    ),
];
