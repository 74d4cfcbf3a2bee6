# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""The classes that ship: which devices they have, and which not, on a machine with many drivers."""

import os
import re
import shutil
import stat

import pytest

from place import TOP

SHIPPED = re.findall(r"^class (\S+)", (TOP / "conf/classes.conf").read_text(), re.MULTILINE)

# Those that get a major when they are loaded, beside those of every kernel.
LOADED = {"bsg": 234, "nvme": 235, "nvme-generic": 236, "ubi0": 237, "ubi1": 238, "dax": 239, "rpmb": 240, "media": 241,
          "kfd": 242, "nvidia-uvm": 243, "nvidia-caps": 244, "habanalabs": 245, "nvidia-caps-imex-channels": 490, "nvidia-nvswitch": 491, "nvidia-nvlink": 492,
          "nvidia-fs": 493, "gdrdrv": 494, "neuron": 495, "tenstorrent": 496, "apex": 497, "hidraw": 246, "ttyTHS": 247,
          "ttySTM": 248, "ttyMSM": 249, "ttymxc": 207, "ttyprintk": 5, "ttyS": 4, "wwan_port": 250, "usbmon": 251,
          "firewire": 252, "vfio": 253, "macvtap": 254, "hfi1": 500, "watchdog": 501, "rtc": 502, "gpiochip": 503, "iio": 504}

# class: (devices that are in it, devices that are not)
CLASSES = {
    "webcam": ("81:0 241:0", "116:0"), "camera": ("81:0 241:0", "189:0"), "dvb": ("212:3", "81:0"),
    "sound": ("116:4 14:3", "81:0"),
    "gpu": ("226:0 226:128 195:0 195:254 195:255 29:0 261:0 242:0 243:0 243:1 244:1 245:0 490:0 491:255 492:0 493:0 494:0 495:0 496:0",
            "81:0 10:232"),
    "accel": ("261:0 261:1 245:0 495:3 496:0 497:0", "226:128 195:0"),
    "nvidia": ("195:0 195:254 195:255 243:0 243:1 244:3 490:0 491:0 492:0 493:1 494:0", "226:128 242:0 261:0"),
    "nvidia-caps": ("244:0 244:3 490:1", "195:0 243:0 491:0"), "nvswitch": ("491:0 491:255 492:0", "195:0 244:0"),
    "rocm": ("242:0", "226:0 195:0"),
    "input": ("13:0 13:63 13:64 246:0", "10:223"), "mouse": ("13:32 13:63", "13:64 13:0"),
    "joystick": ("13:0 13:31", "13:32"), "uinput": ("10:223 10:239", "13:64"),
    "console": ("4:0 4:63 5:1 7:128", "4:64 5:0"),
    "serial": ("4:64 4:255 204:64 204:154 166:0 188:1 216:0 207:16 247:0 248:0 249:2", "4:0 4:63 5:3 5:0 136:0"),
    "usb-serial": ("166:0 188:1", "4:64 216:0"),
    "modem": ("166:0 250:0", "4:64"), "printer": ("6:0", "189:0"), "parport": ("99:0 6:0", "189:0"),
    "bluetooth": ("216:0 10:137", "189:0"), "rfkill": ("10:242", "10:232"),
    "usb": ("189:5 180:0 251:0", "188:0"), "smartcard": ("189:5", "246:0"), "scanner": ("189:5 21:0", "81:0"),
    "firewire": ("171:0 252:0", "189:0"),
    "scsi": ("21:0 9:0 206:0 86:0 234:1", "b8:0"),
    "storage": ("b8:0 b7:0 b179:0 b259:4 b800:1 21:0 9:128 206:0 86:0 234:0 235:0 236:0 237:0 238:0 239:0 240:0 90:0 162:1",
                "189:5 180:0 1:3 10:229"),
    "optical": ("b11:0", "b8:0"), "floppy": ("b2:0", "b8:0"), "tape": ("9:0 206:0", "21:0"),
    "mmc": ("b179:8 240:0", "b8:0"), "nvme": ("235:0 236:5", "b8:0"), "mtd": ("90:1 b31:0 237:0", "b8:0"),
    "loop": ("b7:3 10:237", "b8:0"), "fuse": ("10:229", "10:232"), "kvm": ("10:232", "10:229"),
    "vfio": ("10:196 253:0", "10:232"), "vhost": ("10:238 10:241", "10:232"), "tun": ("10:200 254:1", "108:0"),
    "ppp": ("108:0", "10:200"), "infiniband": ("231:0 231:192 500:0", "10:200"), "rdma": ("231:192 500:0", "10:200"),
    "tpm": ("10:224", "10:223"), "watchdog": ("10:130 501:0", "10:135"), "rtc": ("10:135 502:0", "10:130"),
    "gpio": ("503:0", "89:0"), "i2c": ("89:1", "503:0"), "spi": ("153:0", "89:0"), "iio": ("504:0", "89:0"),
    "memory": ("1:1 1:2 1:4", "1:3"), "cpu": ("202:0 203:3 10:184", "1:1"),
}
# Their devices have no numbers of their own: a path that is in the class, and one that is not.
BY_PATH = {"render": ("/dev/dri/renderD128", "/dev/dri/card0"),
           "usb-storage": ("/dev/disk/by-path/pci-0000:00:14.0-usb-0:1:1.0-scsi-0:0:0:0-part1",
                           "/dev/disk/by-path/pci-0000:00:1f.2-ata-1"),
           "microphone": ("/dev/snd/pcmC0D0c", "/dev/snd/pcmC0D0p"),
           "keyboard": ("/dev/input/by-path/platform-i8042-serio-0-event-kbd", "/dev/input/by-path/pci-0-event-mouse")}


def test_every_class_is_looked_at():
    assert sorted([*CLASSES, *BY_PATH, "security-key"]) == sorted(SHIPPED)


@pytest.mark.parametrize("name", CLASSES)
def test_devices_of_a_class(bpfdev, policy, place, name):
    char = "".join(f"{major:3} {driver}\n" for driver, major in LOADED.items())
    place.devices(f"Character devices:\n  1 mem\n  4 tty\n 10 misc\n{char}\nBlock devices:\n  8 sd\n")
    policy(f"alice allow *\nalice deny @{name}\n")
    inside, outside = ([re.sub("^(b?)(.*)", lambda found: f"{found[1] or 'c'} {found[2]}", device)
                        for device in devices.split()] for devices in CLASSES[name])
    assert {device for device in inside if bpfdev("explain", "alice", device, "r").code == 1} == set(inside)
    assert {device for device in outside if bpfdev("explain", "alice", device, "r").code == 0} == set(outside)


@pytest.mark.parametrize("name", BY_PATH)
def test_paths_of_a_class(bpfdev, policy, place, name):
    folder = "/".join(BY_PATH[name][0].split("/")[:3])
    policy(f"alice allow *\nalice deny @{name}\n")
    try:
        for minor, path in enumerate(BY_PATH[name]):
            node = place.path(path)
            node.parent.mkdir(parents=True, exist_ok=True)
            os.mknod(node, stat.S_IFCHR | 0o600, os.makedev(300, minor))
        assert [bpfdev("explain", "alice", path, "r").code for path in BY_PATH[name]] == [1, 0]
    finally:
        shutil.rmtree(place.path(folder))


def test_security_keys_are_what_udev_takes_for_one(bpfdev, policy, place):
    policy("alice allow *\nalice deny @security-key\n")
    place.plug("c 246:0", "hidraw0", "1050:0407", tags=["security-device", "uaccess"])
    place.plug("c 246:1", "hidraw1", "046d:c31c", tags=["uaccess"])
    assert [bpfdev("explain", "alice", device).code for device in ("c 246:0", "c 246:1")] == [1, 0]


def test_sticks_with_one_label_and_path(bpfdev, policy, place):
    """Whichever of them has the link."""
    policy("alice allow *\nalice deny @usb-storage\n")
    for minor, name in ((0, "sda"), (16, "sdb")):
        place.plug(f"b 8:{minor}", name, f"46f4:0001:{minor}", links=["disk/by-id/usb-QEMU_HARDDISK-0:0"])
    assert [bpfdev("explain", "alice", device).code for device in ("b 8:0", "b 8:16", "b 8:32")] == [1, 1, 0]
