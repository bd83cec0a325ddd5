//! One stack per language and format, written for these tests.

/// Name and text.
pub const FIXTURES: [(&str, &str); 34] = [
    (
        "java",
        "com.shop.PayException: payment failed\n\tat com.shop.Checkout.pay(Checkout.java:40)\n\tat com.shop.Main.main(Main.java:9)\n\
         Caused by: java.lang.IllegalStateException: cart of user 张三 is empty\n\tat java.base/java.util.Objects.requireNonNull(Objects.java:246)\n\
         \tat com.shop.Cart.total(Cart.java:12)\n\tat com.shop.Cart.lambda$pay$3(Cart.java:20)\n\
         \tat com.shop.Cart$$Lambda$14/0x0000000800c4.run(Unknown Source)\n\t... 1 more\n",
    ),
    (
        "android",
        "FATAL EXCEPTION: main\nProcess: com.shop, PID: 812\njava.lang.NullPointerException: AttemptError to invoke virtual method on a null object reference\n\
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
    (
        "dart",
        "E/flutter ( 812): [ERROR:flutter/runtime/dart_vm_initializer.cc(41)] Unhandled Exception: Bad state: 购物车 is empty\n\
         E/flutter ( 812): #0      Cart.total (package:shop/cart.dart:12:5)\nE/flutter ( 812): <asynchronous suspension>\n\
         E/flutter ( 812): #1      _CheckoutState.build.<anonymous closure> (package:shop/checkout.dart:31:9)\n\
         E/flutter ( 812): #2      State.setState (package:flutter/src/widgets/framework.dart:1100:30)\n",
    ),
    (
        "dart_obfuscated",
        "*** *** *** *** *** ***\npid: 9, tid: 8, name 1.ui\nbuild_id: '0badcafe'\n    #00 abs 0000007f001b2c3 virt 00000000001b2c3 _kDartIsolateSnapshotInstructions+0x1b2c3\n    \
         #01 abs 0000007f0001000 virt 0000000000001000 _kDartIsolateSnapshotInstructions+0x1000\n",
    ),
    (
        "ruby",
        "app/cart.rb:12:in `total': undefined method `price' for nil (NoMethodError)\n\tfrom app/checkout.rb:3:in `block in pay'\n\t\
         from /usr/lib/ruby/3.1.0/set.rb:501:in `each_key'\n",
    ),
    (
        "minidump",
        "Operating system: Windows NT\nCrash reason:  EXCEPTION_ACCESS_VIOLATION_READ\nCrash address: 0x18\n\nThread 0 (crashed)\n 0  shop.exe!Cart::load(int) [cart.cpp : 40 + 0x5]\n    \
         rip = 0x00007ff6a1b2c3d4\n    Found by: given as instruction pointer in context\n 1  shop.exe!main [main.cpp : 9 + 0x1]\n 2  ntdll.dll + 0x12ab\n\nThread 1\n 0  ntdll.dll + 0x1\n",
    ),
    (
        "windbg",
        "EXCEPTION_CODE: (NTSTATUS) 0xc0000094 - integer division by zero\n # Child-SP          RetAddr               Call Site\n\
         00 00000012`fff0 00007ff6`1234 shop!Cart::average+0x12 [d:\\src\\cart.cpp @ 40]\n01 00000012`fff8 00007ff6`1235 shop!main+0x30\n",
    ),
    (
        "unreal",
        "[2026.01.02-10.00.00:001][  0]LogInit: Display: start\n[2026.01.02-10.00.02:003][ 99]LogWindows: Error: Fatal error!\n\
         [2026.01.02-10.00.02:003][ 99]LogWindows: Error: Unhandled Exception: EXCEPTION_ACCESS_VIOLATION reading address 0x00000018\n\
         [2026.01.02-10.00.02:003][ 99]LogWindows: Error: [Callstack] 0x00007ff6a1b2 Shop-Win64-Shipping.exe!UCart::Total() [D:\\src\\Cart.cpp:40]\n\
         [2026.01.02-10.00.02:003][ 99]LogWindows: Error: [Callstack] 0x00007ff6a1b3 KERNEL32.DLL!UnknownFunction []\n",
    ),
    (
        "anr",
        "----- pid 812 at 2026-01-02 -----\nCmd line: com.shop\n\n\"Signal Catcher\" daemon prio=5 tid=3 Runnable\n  native: #00 pc 01  /system/lib/libart.so (x+1)\n\n\
         \"main\" prio=5 tid=1 Blocked\n  | group=\"main\" sCount=1\n  at java.lang.Object.wait(Native method)\n  at android.os.BinderProxy.transact(BinderProxy.java:540)\n  \
         at com.shop.IStock$Stub$Proxy.count(IStock.java:80)\n  at com.shop.Stock.refresh(Stock.java:12)\n  - waiting to lock <0x0badcafe> (a com.shop.Stock) held by thread 9\n  \
         at android.os.Handler.dispatchMessage(Handler.java:106)\n\n\"worker\" prio=5 tid=9 Runnable\n  at com.shop.Sync.run(Sync.java:1)\n",
    ),
    (
        "hotspot",
        "#\n# A fatal error has been detected by the Java Runtime Environment:\n#\n#  SIGSEGV (0xb) at pc=0x00007f12, pid=9, tid=8\n#\n# Problematic frame:\n# C  [libshop.so+0x3e88]  shop_render+0x12\n#\n",
    ),
    (
        "kernel",
        "[   35.046][ T5851] BUG: KASAN: use-after-free in shop_read+0xac/0xc3 [shop]\n[   35.047][ T5851] Read of size 1 at addr ffff8880 by task cat/5851\n\
         [   35.048][ T5851] Call Trace:\n[   35.049][ T5851]  dump_stack+0x1db/0x2d0\n[   35.050][ T5851]  ? noise+0x1/0x2\n[   35.051][ T5851]  shop_ioctl+0x11/0x20\n",
    ),
    (
        "game_log",
        "[10:00:00] [main/INFO]: 启动\n[10:00:01] [worker/WARN]: no net\njava.net.UnknownHostException: shop.cn\n\tat com.shop.Net.get(Net.java:1)\n\
         [10:00:02] [Render thread/ERROR]: Reported exception thrown!\ncom.game.ReportedException: Rendering\n\tat com.game.Loop.run(Loop.java:3) ~[game.jar:?] {re:classloading}\n\
         Caused by: java.lang.NullPointerException: sprite\n\tat com.mod.Sprite.draw(Sprite.java:7)\n\t... 1 more\n[10:00:02] [Render thread/FATAL]: Preparing crash report\n",
    ),
    (
        "ubsan",
        "/src/price.cc:12:3: runtime error: signed integer overflow: 2147483647 + 1 cannot be represented in type 'int'\n    #0 0x4ff001 in shop::price(int) /src/price.cc:12:3\n    #1 0x4ff002 in main /src/main.cc:3:1\n",
    ),
    (
        "libc_backtrace",
        "*** Error in `shop': double free or corruption ***\n/opt/shop/libshop.so(_ZN4shop7releaseEv+0x12)[0x7f01]\n/opt/shop/shop(main+0x3)[0x4f01]\n",
    ),
    (
        "react_native",
        "TypeError: undefined is not an object (evaluating 'e.items')\nrender@main.jsbundle:12:3451\nvalue@main.jsbundle:30:1204\n[native code]\n",
    ),
    (
        "hermes",
        "TypeError: Cannot read property 'items' of undefined\n    at Basket (address at index.android.bundle:1:12345)\n    at anonymous (address at index.android.bundle:1:99)\n",
    ),
    (
        "python_group",
        "  + Exception Group Traceback (most recent call last):\n  |   File \"/srv/shop/main.py\", line 9, in run\n  |     g()\n  | ExceptionGroup: orders (2 sub-exceptions)\n  \
         +-+---------------- 1 ----------------\n    | Traceback (most recent call last):\n    |   File \"/srv/shop/order.py\", line 3, in load\n    |     x()\n    | KeyError: 'id'\n    \
         +---------------- 2 ----------------\n    | ValueError: x\n    +------------------------------------\n",
    ),
    (
        "java_link",
        "java.lang.NoSuchMethodError: 'void com.lib.Client.send(java.lang.String)'\n\tat com.shop.Push.send(Push.java:3)\n\tat com.shop.Main.main(Main.java:9)\n",
    ),
];
