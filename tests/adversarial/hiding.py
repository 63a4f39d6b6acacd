"""Ways to hide CPU time and memory, and to tell the next run something.

Sources of submissions, used by the tests beside this and by ``scripts/boundary.py``.
"""

#: `WAY` says how `SECONDS` of CPU time are burnt.
CPU_SOURCE = '''
import ctypes, os, signal, sys, threading, time
from pathlib import Path

LIBC = ctypes.CDLL(None, use_errno=True)
UNTRACED, PARENT = 0x00800000, 0x00008000

def burn(seconds=SECONDS):
    start = time.process_time()
    while time.process_time() - start < seconds:
        pass

def killed_after(pid):
    """Kill a process when its own clock says so; whoever cannot be seen ends itself."""
    try:
        while time.clock_gettime(~pid << 3 | 2) < SECONDS:
            time.sleep(0.01)
        os.kill(pid, 9)
    except OSError:
        pass

def in_child(action, wait=True):
    pid = os.fork()
    if pid == 0:
        action()
        os._exit(0)
    if wait:
        killed_after(pid)

def unreadable():
    path = os.environ["TMPDIR"] + "/unreadable"
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o311)
    os.write(fd, Path("/bin/sh").read_bytes())
    os.close(fd)
    return path

LOOP = ["sh", "-c", "while :; do :; done"]

def clone(flags):
    number = 56 if os.uname().machine == "x86_64" else 220
    pid = LIBC.syscall(number, ctypes.c_long(flags), None, None, None, None)
    if pid == 0:
        burn()
        os._exit(0)
    if pid < 0:
        burn()
    else:
        killed_after(pid)

def loop():
    burn()

def ignored_orphan():
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    reading, writing = os.pipe()
    def twice():
        os.setsid()
        in_child(burn, wait=False)
    in_child(twice, wait=False)
    os.close(writing)
    os.read(reading, 1)

def no_child_wait():
    class Action(ctypes.Structure):
        _fields_ = [("handler", ctypes.c_void_p), ("mask", ctypes.c_byte * 128),
                    ("flags", ctypes.c_int), ("restorer", ctypes.c_void_p)]
    LIBC.sigaction(signal.SIGCHLD, ctypes.byref(Action(None, flags=2)), None)
    in_child(burn)

def unreadable_program():
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    path = unreadable()
    in_child(lambda: os.execv(path, LOOP))

def program_by_handle():
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    fd = os.open(unreadable(), os.O_PATH)
    in_child(lambda: os.execve(fd, LOOP, {}))

def spawned_program():
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    killed_after(os.posix_spawn(unreadable(), LOOP, {}))

def untraced_clone():
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    clone(UNTRACED | signal.SIGCHLD)

def clone_of_the_parent():
    clone(PARENT)

def many_short_ones():
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for _ in range(round(SECONDS / 0.005)):
        reading, writing = os.pipe()
        if os.fork() == 0:
            burn(0.005)
            os._exit(0)
        os.close(writing)
        os.read(reading, 1)
        os.close(reading)

def thread_of_a_dead_leader():
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    def leave():
        threading.Thread(target=lambda: (burn(), os._exit(0))).start()
        number = 60 if os.uname().machine == "x86_64" else 93
        LIBC.syscall(number, 0)
    in_child(leave)

def undumpable():
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    in_child(lambda: (LIBC.prctl(4, 0, 0, 0, 0), burn()))

def unlearning(net, retain, forget, validation):
    globals()[WAY]()
    return net
'''
CPU_WAYS = (
    "loop",
    "ignored_orphan",
    "no_child_wait",
    "unreadable_program",
    "program_by_handle",
    "spawned_program",
    "untraced_clone",
    "clone_of_the_parent",
    "many_short_ones",
    "thread_of_a_dead_leader",
    "undumpable",
)

#: `WAY` says how `BYTES` are held for a second; prints how many were.
MEMORY_SOURCE = '''
import ctypes, mmap, os, socket, threading, time
from pathlib import Path
LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.mmap.restype = ctypes.c_void_p
WORDS = [ctypes.c_void_p, ctypes.c_size_t] + 3 * [ctypes.c_int]
LIBC.mmap.argtypes = [*WORDS, ctypes.c_long]
LIBC.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
KEPT = []

def emptied(shared):
    for start in range(0, BYTES, 1 << 20):
        shared[start : start + (1 << 20)] = b"x" * (1 << 20)
        shared.madvise(mmap.MADV_DONTNEED, start, 1 << 20)
    KEPT.append(shared)
    return BYTES

def anonymous():
    return emptied(mmap.mmap(-1, BYTES))

def zero_device():
    fd = os.open("/dev/zero", os.O_RDWR)
    return emptied(mmap.mmap(fd, BYTES))

def memory_file():
    fd = os.memfd_create("hoard")
    return sum(os.write(fd, b"x" * (1 << 20)) for _ in range(BYTES >> 20))

def segment():
    number = LIBC.shmget(0, BYTES, 0o1600)
    if number < 0:
        raise OSError("no segment")
    LIBC.shmat.restype = ctypes.c_void_p
    place = LIBC.shmat(number, None, 0)
    LIBC.shmctl(number, 0, None)
    ctypes.memset(place, 1, BYTES)
    return BYTES

def dead_leader():
    """Hold memory in a process whose first thread has ended and shows none."""
    reading, writing = os.pipe()
    def hold():
        KEPT.append(b"x" * BYTES)
        os.write(writing, b"x")
        time.sleep(30)
    if os.fork() == 0:
        threading.Thread(target=hold).start()
        LIBC.syscall(60 if os.uname().machine == "x86_64" else 93, 0)
    os.read(reading, 1)
    return BYTES

def locked_files():
    """Keep the system's own files in memory, where nobody can take them back."""
    import torch
    paths = Path(torch.__file__).parent.glob("lib/*.so*")
    path = max(paths, key=lambda path: path.stat().st_size)
    size = min(BYTES, path.stat().st_size) >> 12 << 12
    place = LIBC.mmap(None, size, 1, 1, os.open(path, os.O_RDONLY), 0)
    if LIBC.mlock(ctypes.c_void_p(place), ctypes.c_size_t(size)):
        raise OSError("not locked")
    return size

def in_pipes():
    """Give pages to pipes and unmap them."""
    class Part(ctypes.Structure):
        _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]
    number, held = (278 if os.uname().machine == "x86_64" else 75), 0
    while held < min(BYTES, 64 << 20) and len(KEPT) < 300:
        ends = os.pipe()
        KEPT.append(ends)
        size = 1 << 16
        page = LIBC.mmap(None, size, 3, 0x22, -1, 0)
        ctypes.memset(page, 1, size)
        part = Part(page, size)
        given = LIBC.syscall(number, ends[1], ctypes.byref(part), ctypes.c_long(1), 0)
        LIBC.munmap(ctypes.c_void_p(page), ctypes.c_size_t(size))
        if given < 0:
            raise OSError("nothing given")
        held += given
    return held

def mappings():
    """Fork a process with as many mappings as one may have."""
    count, page = 60000, 4096
    base = LIBC.mmap(None, count * page, 0, 0x4022, -1, 0)
    for i in range(0, count, 2):
        LIBC.mprotect(base + i * page, page, 1)
    children = 6
    for _ in range(children):
        if os.fork() == 0:
            time.sleep(30)
            os._exit(0)
    return (children + 1) * count * 200

def futex_hash():
    """Have the kernel make a table for the locks of this process's threads."""
    slots = 1 << (BYTES // 64).bit_length() - 1
    if LIBC.prctl(78, 1, ctypes.c_ulong(slots), 0, 0):
        raise OSError("no table")
    return slots * 64

def unlearning(net, retain, forget, validation):
    try:
        held = globals()[WAY]()
    except OSError as error:
        held = 0
    time.sleep(HOLD)
    print(held)
    return net
'''
MEMORY_WAYS = (
    "anonymous",
    "zero_device",
    "memory_file",
    "segment",
    "dead_leader",
    "locked_files",
    "in_pipes",
    "mappings",
    "futex_hash",
)

#: Prints, by way, a number that only grows, or that stays for the next run; `LEAVE` is
#: whether to leave one. Words say that there is none.
CHANNEL_SOURCE = """
import ctypes, mmap, os, re, socket, struct, time
from pathlib import Path
LIBC = ctypes.CDLL(None, use_errno=True)

def cookie():
    with socket.socket(socket.AF_UNIX) as sock:
        return struct.unpack("Q", sock.getsockopt(socket.SOL_SOCKET, 57, 8))[0]

def network_cookie():
    with socket.socket(socket.AF_UNIX) as sock:
        return struct.unpack("Q", sock.getsockopt(socket.SOL_SOCKET, 71, 8))[0]

def device_time():
    before = os.stat("/dev/null").st_mtime_ns
    for node in ("/dev/null", 0):
        os.utime(node)
    return os.stat("/dev/null").st_mtime_ns

def session():
    os.setsid()
    return int(re.search(r"-(\\d+)", Path("/proc/self/autogroup").read_text())[1])

def forks():
    return int(re.search(r"processes (\\d+)", Path("/proc/stat").read_text())[1])

def mount():
    buffer = ctypes.create_string_buffer(256)
    number = 332 if os.uname().machine == "x86_64" else 291
    if LIBC.syscall(number, -100, b"/", 0, 0x4000, buffer) < 0:
        raise OSError("refused")
    return struct.unpack_from("Q", buffer, 144)[0]

def process_handle():
    fd = LIBC.syscall(434, os.getpid(), 0)
    if fd < 0:
        raise OSError("refused")
    return os.fstat(fd).st_ino

def shared_memory():
    mapped = mmap.mmap(-1, 4096)
    lines = Path("/proc/self/maps").read_text().splitlines()
    return next(int(line.split()[4]) for line in lines if "/dev/zero" in line)

def socket_name():
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind("")
        return int(sock.getsockname()[1:], 16)

def idle():
    return int(Path("/sys/devices/system/cpu/cpu0/cpuidle/state1/usage").read_text())

def interrupts():
    counts = [path.read_text() for path in Path("/proc/irq").glob("*/spurious")]
    return sum(int(re.search(r"count (\\d+)", text)[1]) for text in counts) or none()

def file_system():
    looks = [path.read_text() for path in Path("/proc/fs").glob("*/*/*_info")]
    return sum(int(re.search(r"\\d+", text)[0]) for text in looks) or none()

def none():
    raise OSError("nothing to be seen")

def process():
    return os.getpid()

def open_files():
    return int(Path("/proc/sys/fs/file-nr").read_text().split()[0])

def pipe():
    return os.fstat(os.pipe()[0]).st_ino

def unlearning(net, retain, forget, validation):
    for way in WAYS:
        try:
            print(way, globals()[way]())
        except (OSError, TypeError):
            print(way, "refused")
    return net
"""
CHANNEL_WAYS = (
    "cookie",
    "network_cookie",
    "device_time",
    "session",
    "forks",
    "mount",
    "process_handle",
    "open_files",
    "shared_memory",
    "socket_name",
    "idle",
    "interrupts",
    "file_system",
    "process",
    "pipe",
)
