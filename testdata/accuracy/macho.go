package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// macho is a 64-bit Mach-O library with a symbol table
// (mach-o/loader.h, mach-o/nlist.h).
type macho struct {
	name    string
	install string
	exports []string
	dylibs  []string
	fat     bool // inside a fat file
	object  bool // in an archive, as iOS has its libraries
}

const (
	machoData = 8192 // where symbols begin in the file
	machoPage = 1 << 12
)

func le32(vs ...uint32) (b []byte) {
	for _, v := range vs {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	return b
}

func dylib(cmd uint32, path string) []byte {
	path += strings.Repeat("\x00", 8-len(path)%8)
	return append(le32(cmd, uint32(24+len(path)), 24, 1, 1<<16, 1<<16), path...)
}

func (m macho) bytes() []byte {
	table, names := []byte(nil), []byte{0}
	for _, e := range m.exports {
		table = append(append(table, le32(uint32(len(names)))...), 0x0f, 1, 0, 0)
		table = binary.LittleEndian.AppendUint64(table, 0x1000)
		names = append(append(names, '_'), append([]byte(e), 0)...)
	}
	commands := [][]byte{le32(2, 24, machoData, uint32(len(m.exports)), machoData+uint32(len(table)), uint32(len(names)))}
	if m.install != "" {
		commands = append(commands, dylib(0xd, m.install))
	}
	for _, d := range m.dylibs {
		commands = append(commands, dylib(0xc, d))
	}
	all := slices.Concat(commands...)
	kind := uint32(6) // MH_DYLIB
	if m.object {
		kind = 1
	}
	head := append(le32(0xfeedfacf, 0x01000007, 3, kind, uint32(len(commands)), uint32(len(all)), 0, 0), all...)
	return slices.Concat(head, make([]byte, machoData-len(head)), table, names)
}

// archive is a Unix archive with one member.
func archive(name string, member []byte) []byte {
	head := fmt.Sprintf("!<arch>\n%-16s%-12d%-6d%-6d%-8s%-10d`\n", name, 0, 0, 0, "100644", len(member))
	return append([]byte(head), member...)
}

func (m macho) build(_ *bench, dir string) error {
	data := m.bytes()
	if m.object {
		data = archive("a.o", data)
	}
	if m.fat {
		var head []byte
		for _, v := range []uint32{0xcafebabe, 1, 0x01000007, 3, machoPage, uint32(len(data)), 12} {
			head = binary.BigEndian.AppendUint32(head, v)
		}
		data = slices.Concat(head, make([]byte, machoPage-len(head)), data)
	}
	file := filepath.Join(dir, filepath.FromSlash(m.name))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, data, 0o755)
}

// plist is a property list with strings.
func plist(pairs ...string) string {
	var s strings.Builder
	s.WriteString(`<?xml version="1.0" encoding="UTF-8"?><!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd"><plist version="1.0"><dict>`)
	for i := 0; i+1 < len(pairs); i += 2 {
		s.WriteString("<key>" + pairs[i] + "</key><string>" + pairs[i+1] + "</string>")
	}
	s.WriteString("</dict></plist>\n")
	return s.String()
}

// app is a bundle with a program and its property list.
func app(folder, id, name string) builder {
	return both(
		texts(folder+"/Contents/Info.plist", plist("CFBundleIdentifier", id, "CFBundleName", name, "CFBundleExecutable", name, "CFBundlePackageType", "APPL")),
		macho{name: folder + "/Contents/MacOS/" + name, exports: []string{"main"}}.build)
}

func vendorApple() []probe {
	ms := func(vendor, name string, m macho) probe {
		return probe{name: name, kind: "macho", vendor: vendor, build: m.build}
	}
	as := func(vendor, name, folder, id string) probe {
		return probe{name: name, kind: "bundle", vendor: vendor, build: app(folder, id, "main")}
	}
	return []probe{
		ms("hikvision", "hik-dylib", macho{name: "libhcnetsdk.dylib", install: "@loader_path/libhcnetsdk.dylib", exports: hikNet}),
		ms("hikvision", "hik-dylib-fat", macho{name: "libsdk.dylib", exports: hikNet, fat: true}),
		ms("hikvision", "hik-dylib-player", macho{name: "libPlayCtrl.dylib", exports: hikPlayer}),
		ms("hikvision", "hik-dylib-runtime", macho{name: "libhpr.dylib", exports: hikRuntime}),
		ms("hikvision", "hik-dylib-part", macho{name: "HCNetSDKCom/libHCAlarm.dylib", install: "@loader_path/HCNetSDKCom/libHCAlarm.dylib", exports: []string{"Interim"}}),
		ms("dahua", "dahua-dylib", macho{name: "libdhnetsdk.dylib", install: "libdhnetsdk.dylib", exports: dahuaNet}),
		ms("dahua", "dahua-dylib-cxx", macho{name: "libInfra.dylib", exports: dahuaClasses, fat: true}),
		ms("hikvision", "hik-ios", macho{name: "libhcnetsdk.a", exports: hikNet, object: true}),
		ms("hikvision", "hik-ios-fat", macho{name: "libplayer.a", exports: hikPlayer, object: true, fat: true}),
		ms("dahua", "dahua-ios-fat", macho{name: "libnetsdk.a", exports: dahuaNet, object: true, fat: true}),
		ms("huawei", "obs-dylib", macho{name: "libeSDKOBS.dylib", exports: huaweiOBS}),
		as("kaspersky", "kav-app", "Kaspersky Anti-Virus.app", "com.kaspersky.kav"),
		as("kaspersky", "klif-kext", "klif.kext", "com.kaspersky.kext.klif"),
		as("acronis", "acronis-agent-app", "agent.app", "com.acronis.backup.aakore"),
		{name: "acronis-app", kind: "bundle", vendor: "acronis", level: review, build: app("Acronis True Image.app", "com.acronis.trueimage", "main")},
		{name: "tiktok-app", kind: "bundle", vendor: "bytedance", level: review, build: app("TikTok.app", "com.zhiliaoapp.musically", "main")},
	}
}
