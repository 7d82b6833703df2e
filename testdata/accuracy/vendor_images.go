package main

import (
	"cmp"
	"os"
	"path/filepath"
	"strings"

	"github.com/interdict/interdict/scanner/scantest"
)

// image writes a container image as "docker save" does.
func image(ref string, im scantest.Image) builder {
	return func(_ *bench, dir string) error {
		img, err := im.Build()
		if err != nil {
			return err
		}
		f, err := os.Create(filepath.Join(dir, "image.tar"))
		if err != nil {
			return err
		}
		defer f.Close()
		return scantest.WriteDockerArchive(f, cmp.Or(ref, "app.example/app:1"), img)
	}
}

// layers makes an image's layers: the line that made each, and its files.
func layers(lines ...scantest.Layer) scantest.Image {
	base := scantest.Layer{CreatedBy: "ADD rootfs.tar.gz /", Files: []scantest.File{{Path: "/etc/os-release", Body: []byte("ID=debian\n")}}}
	return scantest.Image{Layers: append([]scantest.Layer{base}, lines...)}
}

func layer(by string, paths ...string) scantest.Layer {
	l := scantest.Layer{CreatedBy: by}
	for _, p := range paths {
		name, body, _ := strings.Cut(p, "=")
		l.Files = append(l.Files, scantest.File{Path: name, Body: []byte(body)})
	}
	return l
}

// windows is a hive of the registry at Windows' place, with what a .reg file
// says.
func windows(hive, prefix, reg string) builder {
	return func(b *bench, dir string) error {
		config := filepath.Join(dir, "Windows", "System32", "config")
		if err := os.MkdirAll(config, 0o755); err != nil {
			return err
		}
		file := filepath.Join(config, hive)
		if err := os.WriteFile(file, emptyHive(), 0o644); err != nil {
			return err
		}
		tmp, err := b.scratch()
		if err != nil {
			return err
		}
		if err := write(tmp, "a.reg", "Windows Registry Editor Version 5.00\n\n"+reg); err != nil {
			return err
		}
		return b.tool(tmp, "hivexregedit", "--merge", "--prefix", prefix, file, "a.reg")
	}
}

// emptyHive is a hive with a root key and nothing below it: a base block, and
// one bin that holds the key's cell, its security descriptor and free space
// (https://github.com/msuhanov/regf, format specification).
func emptyHive() []byte {
	const page = 4096
	b := make([]byte, 2*page)
	put := func(at int, vs ...uint32) { copy(b[at:], le32(vs...)) }
	copy(b, "regf")
	put(4, 1, 1)                          // sequence numbers
	put(20, 1, 5, 0, 1, 32, page, 1)      // version 1.5, primary, memory load, root cell, size, clusters
	copy(b[page:], "hbin")                // first bin
	put(page+4, 0, page)                  // its offset and size
	put(page+32, uint32(0xffffffff-88+1)) // the key's cell: 88 bytes, in use
	key := page + 36
	copy(b[key:], "nk")
	b[key+2] = 0x2c // root, not to be deleted, ASCII name
	none := uint32(0xffffffff)
	put(key+16, none, 0, 0, none, none, 0, none, 32+88, none)
	b[key+72] = 4
	copy(b[key+76:], "ROOT")
	put(page+32+88, uint32(0xffffffff-48+1)) // the security descriptor's cell
	copy(b[page+36+88:], "sk")
	put(page+36+88+4, 32+88, 32+88, 1, 20, 0x80000001) // in a ring of one, used once; 20 bytes, empty
	put(page+32+88+48, page-32-88-48)                  // the rest is free
	var sum uint32
	for i := 0; i < 508; i += 4 {
		sum ^= uint32(b[i]) | uint32(b[i+1])<<8 | uint32(b[i+2])<<16 | uint32(b[i+3])<<24
	}
	put(508, sum)
	return b
}

// vendorImages are container images, and a Windows' registry.
func vendorImages() []probe {
	is := func(vendor, name string, f builder) probe {
		return probe{name: name, kind: "image", vendor: vendor, target: "docker-archive:image.tar", build: f}
	}
	ws := func(vendor, name string, f builder) probe {
		return probe{name: name, kind: "registry", vendor: vendor, target: "dir:", build: f}
	}
	weak := func(p probe) probe { p.level = review; return p }
	env := func(im scantest.Image, vars ...string) scantest.Image { im.Env = vars; return im }
	hidden := layers(layer("COPY kesl /opt", "/opt/kaspersky/kesl/libexec/kesl=x"), layer("RUN rm -rf /opt/kaspersky", "/opt/.wh.kaspersky="))
	return []probe{
		is("kaspersky", "image-hidden", image("", hidden)),
		is("kaspersky", "image-env", image("", env(layers(layer("RUN x", "/etc/x=x")), "PATH=/bin", "KRAS4D_INSTALLSOURCE=x"))),
		weak(is("kaspersky", "image-engine-env", image("", env(layers(layer("RUN x", "/etc/x=x")), "KL_PLUGINS_PATH=/opt/av/ppl")))),
		is("kaspersky", "image-history", image("", layers(layer("RUN /bin/sh -c rpm -i /kesl-12.1.0-1543.x86_64.rpm && rm /kesl-12.1.0-1543.x86_64.rpm", "/etc/x=x")))),
		is("kaspersky", "image-history-apt", image("", layers(layer("RUN apt-get install -y kesl klnagent64 && apt-get purge -y kesl klnagent64", "/etc/x=x")))),
		weak(is("kaspersky", "image-history-fetch", image("", layers(layer("RUN curl -O https://products.s.kaspersky-labs.com/endpoints/keslinux10/kesl.tgz && rm kesl.tgz", "/etc/x=x"))))),
		is("kaspersky", "image-name", image("docker.io/kaspersky/scanengine_httpd:2.1", layers(layer("RUN x", "/etc/x=x")))),
		weak(is("kaspersky", "image-name-kcs", image("repo.example/kcs/kcs-scanner:2.0", layers(layer("RUN x", "/etc/x=x"))))),
		weak(is("kaspersky", "image-name-registry", image("repo.kcs.kaspersky.com/images/x:2.0", layers(layer("RUN x", "/etc/x=x"))))),
		is("acronis", "image-acronis-layer", image("", layers(layer("COPY x", "/usr/lib/Acronis/BackupAndRecovery/mms=x")))),
		weak(is("acronis", "image-acronis-history", image("", layers(layer("RUN ./Cyber_Protection_Agent_for_Linux_x86_64.bin -a --id=BackupAndRecoveryAgent", "/etc/x=x"))))),
		is("kaspersky", "image-deb-removed", image("", layers(layer("RUN dpkg -i", "/var/lib/dpkg/status="+stanza("kesl", "x")), layer("RUN apt-get purge", "/var/lib/dpkg/status=")))),
		weak(is("doctor-web", "image-drweb-history", image("", layers(layer("RUN echo deb http://repo.drweb.com/drweb/debian 11.1 non-free > /etc/apt/sources.list.d/drweb.list", "/etc/x=x"))))),
		is("hikvision", "image-hik-hidden", func(b *bench, dir string) error {
			tmp, err := b.scratch()
			if err != nil {
				return err
			}
			if err := (elf{name: "a.so", exports: hikNet}).build(b, tmp); err != nil {
				return err
			}
			lib, err := os.ReadFile(filepath.Join(tmp, "a.so"))
			if err != nil {
				return err
			}
			return image("", layers(layer("COPY lib", "/srv/lib/libhcnetsdk.so="+string(lib)), layer("RUN rm", "/srv/lib/.wh.libhcnetsdk.so=")))(b, dir)
		}),
		weak(ws("kaspersky", "hive-uninstall", windows("SOFTWARE", `HKEY_LOCAL_MACHINE\SOFTWARE`, hiveKeys(`Microsoft\Windows\CurrentVersion\Uninstall\{1B1E7F07-6C7C-4A7B-8FE3-000000000000}`,
			`"Publisher"="Kaspersky"`, `"DisplayName"="Kaspersky Endpoint Security for Windows"`)))),
		weak(ws("kaspersky", "hive-key", windows("SOFTWARE", `HKEY_LOCAL_MACHINE\SOFTWARE`, hiveKeys(`KasperskyLab\AVP21.3\environment`, `"ProductName"="x"`)))),
		weak(ws("acronis", "hive-acronis", windows("SOFTWARE", `HKEY_LOCAL_MACHINE\SOFTWARE`, hiveKeys(`Microsoft\Windows\CurrentVersion\Uninstall\{4C5B5DA2-2E55-43F4-852A-5089BEA29061}Visible`, `"Publisher"="Acronis"`)))),
	}
}

// hiveKeys writes a key with its values, and every key above it, as hivex
// wants it.
func hiveKeys(key string, values ...string) string {
	var s strings.Builder
	parts := strings.Split(key, `\`)
	for i := range parts {
		s.WriteString(`[HKEY_LOCAL_MACHINE\SOFTWARE\` + strings.Join(parts[:i+1], `\`) + "]\n")
		if i == len(parts)-1 {
			s.WriteString(strings.Join(values, "\n") + "\n")
		}
		s.WriteString("\n")
	}
	return s.String()
}
