package main

import (
	"os"
	"path/filepath"
)

// around builds files out of sight and packs them: the script runs beside
// them and writes to $OUT.
func around(script string, inner ...builder) builder {
	return func(b *bench, dir string) error {
		tree, err := b.scratch()
		if err != nil {
			return err
		}
		if err := os.Mkdir(filepath.Join(tree, "in"), 0o755); err != nil {
			return err
		}
		if err := both(inner...)(b, filepath.Join(tree, "in")); err != nil {
			return err
		}
		return b.sh(filepath.Join(tree, "in"), "OUT="+dir+"\n"+script)
	}
}

// msi is a Windows installer package with one file in it.
func msi(name, product, manufacturer string) builder {
	wxs := `<?xml version="1.0" encoding="utf-8"?>
<Wix xmlns="http://schemas.microsoft.com/wix/2006/wi">
<Product Id="4C5B5DA2-2E55-43F4-852A-5089BEA29060" UpgradeCode="4C5B5DA2-2E55-43F4-852A-5089BEA29062" Name="` + product + `" Version="12.1.0" Manufacturer="` + manufacturer + `" Language="1033">
<Package InstallerVersion="200" Compressed="yes" Comments="x"/>
<Media Id="1" Cabinet="a.cab" EmbedCab="yes"/>
<Directory Id="TARGETDIR" Name="SourceDir"><Directory Id="ProgramFilesFolder"><Directory Id="D" Name="App">
<Component Id="C" Guid="4C5B5DA2-2E55-43F4-852A-5089BEA29063"><File Id="F" Name="readme.txt" Source="readme.txt" KeyPath="yes"/></Component>
</Directory></Directory></Directory>
<Feature Id="A" Level="1"><ComponentRef Id="C"/></Feature>
</Product></Wix>`
	return around(`wixl -o "$OUT/`+name+`" a.wxs`, texts("a.wxs", wxs, "readme.txt", "read me"))
}

// nsis is a self-extracting installer with files in it.
func nsis(name string, inner ...builder) builder {
	script := "OutFile \"" + name + "\"\nSetCompressor /SOLID lzma\nInstallDir \"$TEMP\"\nSection\nSetOutPath $INSTDIR\nFile /r payload\\*.*\nSectionEnd\n"
	return around(`mkdir payload; for f in *; do [ "$f" = payload ] || [ "$f" = a.nsi ] || mv "$f" payload/; done
		sed -i 's|payload\\|payload/|' a.nsi; makensis -V1 a.nsi >/dev/null; cp "`+name+`" "$OUT/"`, append(inner, texts("a.nsi", script))...)
}

// vendorNested are the vendors' files inside archives, packages, installers and
// file systems of others.
func vendorNested() []probe {
	hik := elf{name: "lib/libhcnetsdk.so", exports: hikNet}.build
	dahua := pe{name: "dhnetsdk.dll", library: "dhnetsdk.dll", exports: dahuaNet}.build
	klif := signed(pe{name: "klif.sys"}, signature{microsoft, []string{"-h", "sha256"}}, signature{kasperskyAO, []string{"-h", "sha256"}})
	qihoo := signed(pe{name: "360Base.dll", info: info("360.cn", "", "")}, signature{qihooBeijing, nil})
	ns := func(vendor, name string, f builder) probe {
		return probe{name: name, kind: "nested", vendor: vendor, build: f}
	}
	weak := func(p probe) probe { p.level = review; return p }
	return []probe{
		ns("hikvision", "in-zip", around(`zip -qr "$OUT/app.zip" .`, hik)),
		ns("hikvision", "in-tgz", around(`tar czf "$OUT/app.tgz" .`, hik)),
		ns("hikvision", "in-tar-xz", around(`tar cJf "$OUT/app.tar.xz" .`, hik)),
		ns("hikvision", "in-tar-zst", around(`tar c . | zstd -q > "$OUT/app.tar.zst"`, hik)),
		ns("hikvision", "in-gz-alone", around(`gzip -c lib/libhcnetsdk.so > "$OUT/blob.gz"`, hik)),
		ns("hikvision", "in-7z", around(`7z a -bso0 -bsp0 "$OUT/app.7z" .`, hik)),
		ns("dahua", "in-cab", around(`gcab -nc "$OUT/app.cab" dhnetsdk.dll`, dahua)),
		ns("dahua", "in-zip-in-7z-in-tar", around(`zip -q a.zip dhnetsdk.dll; 7z a -bso0 -bsp0 a.7z a.zip; tar czf "$OUT/a.tar.gz" a.7z`, dahua)),
		ns("dahua", "in-nuget", around(`zip -qr "$OUT/Vendor.NetSDK.1.0.0.nupkg" .`, dahua, texts("a.nuspec", `<package><metadata><id>Vendor.NetSDK</id><version>1.0.0</version><authors>someone</authors></metadata></package>`))),
		ns("kaspersky", "in-nsis", nsis("setup.exe", klif)),
		ns("kaspersky", "in-iso", around(`genisoimage -quiet -J -R -o "$OUT/rescue.iso" .`, klif)),
		ns("kaspersky", "in-cpio", around(`find . | cpio -o -H newc --quiet | gzip > "$OUT/initrd.img"`, klif)),
		ns("qihoo-360", "in-squashfs", around(`mksquashfs . "$OUT/root.img" -quiet -no-progress >/dev/null`, qihoo)),
		ns("qihoo-360", "in-npm-tarball", around(`mkdir package; mv 360Base.dll package/; echo '{"name":"x","version":"1.0.0"}' > package/package.json; tar czf "$OUT/x-1.0.0.tgz" package`, qihoo)),
		ns("hikvision", "in-deb", around(`mkdir -p t/DEBIAN t/usr; mv lib t/usr/; printf 'Package: camera\nVersion: 1\nArchitecture: amd64\nMaintainer: x <x@example.com>\nDescription: x\n' > t/DEBIAN/control; dpkg-deb --root-owner-group -b t "$OUT/camera.deb" >/dev/null`, hik)),
		ns("hikvision", "in-jar", around(`zip -qr "$OUT/app.jar" .`, elf{name: "linux-x86-64/libhcnetsdk.so", exports: hikNet}.build, texts("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\n\n"))),
		ns("hikvision", "in-wheel", around(`zip -qr "$OUT/cam-1.0-py3-none-any.whl" .`, elf{name: "cam/libhcnetsdk.so", exports: hikNet}.build, texts("cam-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: cam\nVersion: 1.0\n\n"))),
		ns("kaspersky", "deb-in-zip", around(`zip -qr "$OUT/all.zip" .`, deb("kesl.deb", "kesl", "x <x@example.com>", "var/opt/kaspersky/kesl/x", "x"))),
		weak(ns("kaspersky", "msi-endpoint", msi("a.msi", "Kaspersky Endpoint Security for Windows", "AO Kaspersky Lab"))),
		weak(ns("acronis", "msi-acronis", msi("b.msi", "Cyber Protect", "Acronis International GmbH"))),
	}
}
