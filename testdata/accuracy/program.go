package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// elf is a shared library, an object or an archive of objects.
type elf struct {
	name    string // of the file; ".a" makes an archive, ".o" and ".ko" an object
	soname  string
	exports []string
	imports []string // undefined symbols
	needed  []string
	text    []string // strings in the read-only data
	comment string   // in place of the compiler's own
	modinfo []string // of a kernel module
	// vendorCert is the signer whose certificate lies in .vendor_cert.
	vendorCert string
}

func (e elf) assembly() string {
	var s strings.Builder
	s.WriteString(".text\n")
	for _, n := range e.exports {
		fmt.Fprintf(&s, ".globl %q\n.type %q, @function\n%q: ret\n", n, n, n)
	}
	s.WriteString("local: ret\n")
	for _, n := range e.imports {
		fmt.Fprintf(&s, "call %s@PLT\n", n)
	}
	s.WriteString(".section .rodata\n.asciz \"a library\"\n")
	for _, t := range e.text {
		fmt.Fprintf(&s, ".asciz %q\n", t)
	}
	if e.comment != "" {
		fmt.Fprintf(&s, ".section .comment,\"MS\",@progbits,1\n.asciz %q\n", e.comment)
	}
	if len(e.modinfo) > 0 {
		s.WriteString(".section .modinfo,\"a\"\n")
		for _, m := range e.modinfo {
			fmt.Fprintf(&s, ".asciz %q\n", m)
		}
	}
	if e.vendorCert != "" {
		// struct cert_table of shim (cert.S): sizes and offsets, then the certificates.
		s.WriteString(".section .vendor_cert,\"a\"\n.long 2f-1f, 0, 16, 2f-1f+16\n1: .incbin \"cert.der\"\n2:\n")
	}
	s.WriteString(".section .note.GNU-stack,\"\",@progbits\n")
	return s.String()
}

func (e elf) build(b *bench, dir string) error {
	tmp, err := b.scratch()
	if err != nil {
		return err
	}
	if err := write(tmp, "a.s", e.assembly()); err != nil {
		return err
	}
	if c, ok := b.certs[e.vendorCert]; ok {
		if err := b.tool(tmp, "openssl", "x509", "-in", c.chain, "-outform", "DER", "-out", "cert.der"); err != nil {
			return err
		}
	}
	out := filepath.Join(dir, e.name)
	if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
		return err
	}
	switch filepath.Ext(e.name) {
	case ".a":
		if err := b.tool(tmp, "as", "-o", "a.o", "a.s"); err != nil {
			return err
		}
		return b.tool(tmp, "ar", "rc", out, "a.o")
	case ".o", ".ko":
		return b.tool(tmp, "as", "-o", out, "a.s")
	}
	args := []string{"-shared", "-nostdlib", "-o", out, "a.s"}
	if e.soname != "" {
		args = append(args, "-Wl,-soname,"+e.soname)
	}
	for _, n := range e.needed {
		if err := b.tool(tmp, "gcc", "-shared", "-nostdlib", "-Wl,-soname,"+n, "-o", n, "-x", "c", "/dev/null"); err != nil {
			return err
		}
		args = append(args, "-Wl,--no-as-needed", "./"+n)
	}
	return b.tool(tmp, "gcc", args...)
}

// pe is a Windows library, driver or program.
type pe struct {
	name    string
	library string // the name in the export directory; empty exports nothing
	exports []string
	imports map[string][]string // by DLL
	info    map[string]string   // of the version resource
	pdb     string              // path in the debug directory
	text    []string
	x86     bool
}

// resource is the version resource, in the language of resource compilers.
func (p pe) resource() string {
	var s strings.Builder
	s.WriteString("#pragma code_page(65001)\n1 VERSIONINFO\nFILEVERSION 6,1,9,4\nBEGIN\nBLOCK \"StringFileInfo\"\nBEGIN\nBLOCK \"080404B0\"\nBEGIN\n")
	for k, v := range p.info {
		fmt.Fprintf(&s, "VALUE %q, \"%s\"\n", k, strings.ReplaceAll(v, `"`, `""`))
	}
	s.WriteString("END\nEND\nBLOCK \"VarFileInfo\"\nBEGIN\nVALUE \"Translation\", 0x804, 1200\nEND\nEND\n")
	return s.String()
}

func (p pe) source() string {
	var s strings.Builder
	s.WriteString("int stub(void) { return 1; }\n")
	for _, names := range p.imports {
		for _, n := range names {
			fmt.Fprintf(&s, "__declspec(dllimport) int %s(void);\n", n)
		}
	}
	s.WriteString("int start(void) { return 0")
	for _, names := range p.imports {
		for _, n := range names {
			fmt.Fprintf(&s, " + %s()", n)
		}
	}
	s.WriteString("; }\n")
	for i, t := range p.text {
		fmt.Fprintf(&s, "const char text%d[] = %q;\n", i, t)
	}
	return s.String()
}

// definitions is a module definition file: every export is the same function.
func definitions(library string, exports []string) string {
	var s strings.Builder
	fmt.Fprintf(&s, "LIBRARY %q\nEXPORTS\n", library)
	for _, e := range exports {
		fmt.Fprintf(&s, "  %q = stub\n", e)
	}
	return s.String()
}

func (p pe) build(b *bench, dir string) error {
	tmp, err := b.scratch()
	if err != nil {
		return err
	}
	arch := "x86_64-w64-mingw32-"
	if p.x86 {
		arch = "i686-w64-mingw32-"
	}
	out := filepath.Join(dir, p.name)
	if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
		return err
	}
	args := []string{"-shared", "-nostdlib", "-nostartfiles", "-Wl,--entry,0", "-o", "out.dll", "a.c"}
	files := map[string]string{"a.c": p.source()}
	if p.library != "" {
		files["a.def"] = definitions(p.library, p.exports)
		args = append(args, "a.def")
	}
	if len(p.info) > 0 {
		files["a.rc"] = p.resource()
		args = append(args, "a.o")
	}
	for name, contents := range files {
		if err := write(tmp, name, contents); err != nil {
			return err
		}
	}
	if len(p.info) > 0 {
		if err := b.tool(tmp, arch+"windres", "-O", "coff", "a.rc", "a.o"); err != nil {
			return err
		}
	}
	for dll, names := range p.imports {
		if err := write(tmp, dll+".def", definitions(dll, names)); err != nil {
			return err
		}
		if err := b.tool(tmp, arch+"dlltool", "-d", dll+".def", "-l", dll+".a"); err != nil {
			return err
		}
		args = append(args, dll+".a")
	}
	if p.pdb == "" {
		args = append(args, "-s")
	} else {
		args = append(args, "-Wl,--pdb="+placeholder(p.pdb))
	}
	if err := b.tool(tmp, arch+"gcc", args...); err != nil {
		return err
	}
	return finish(filepath.Join(tmp, "out.dll"), out, p.pdb)
}

// importLibrary is what programs that use a DLL are linked with.
func importLibrary(name, dll string, exports []string) builder {
	return func(b *bench, dir string) error {
		tmp, err := b.scratch()
		if err != nil {
			return err
		}
		if err := write(tmp, "a.def", definitions(dll, exports)); err != nil {
			return err
		}
		return b.tool(tmp, "x86_64-w64-mingw32-dlltool", "-d", "a.def", "-l", filepath.Join(dir, name))
	}
}

// placeholder is a file name as long as a path: the linker makes the file, and
// cannot make it in a folder that is not there.
func placeholder(path string) string {
	return fmt.Sprintf("%x", sha256.Sum256([]byte(path)))[:8] + strings.Repeat("p", max(0, len(path)-8))
}

// finish copies a file and puts the path of its debug information in place.
func finish(from, to, pdb string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if pdb != "" {
		old := []byte(placeholder(pdb))
		if !bytes.Contains(data, old) {
			return fmt.Errorf("finding the debug path in %s", to)
		}
		data = bytes.ReplaceAll(data, old, []byte(pdb))
	}
	return os.WriteFile(to, data, 0o644)
}
