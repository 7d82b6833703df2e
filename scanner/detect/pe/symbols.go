package pe

import (
	"bytes"
	"cmp"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner/detect/internal/watch"
)

const (
	maxExports  = 64 << 10 // ordinals have 16 bits
	maxDLLs     = 1024
	maxImports  = 256 << 10
	maxOthers   = 64       // imported DLLs that are noted though none watches for them
	maxCOFFSize = 32 << 20 // bytes of COFF symbols, and of their strings
)

// exports reads the export directory: its name, and the exported functions.
func (l *look) exports() error {
	dir := l.im.dirs[dirExport]
	if dir.rva == 0 {
		return nil
	}
	b := l.im.rva(dir.rva, 40)
	if len(b) < 40 {
		l.gap(sbom.Malformed, "the export directory is not in the file")
		return l.im.err
	}
	nameRVA, count, names := le.Uint32(b[12:]), le.Uint32(b[24:]), le.Uint32(b[32:])
	l.exportName = l.im.cstring(nameRVA)
	l.note(sbom.PEExportName, l.exportName, "export directory")
	if count > maxExports {
		l.gap(sbom.Limit, fmt.Sprintf("%d exported names: only the first %d were read", count, maxExports))
		count = maxExports
	}
	table := bytes.Clone(l.im.rva(names, int(4*count)))
	l.defined(l.exportNames(table), "export directory")
	return l.im.err
}

func (l *look) exportNames(table []byte) iter.Seq[string] {
	return func(yield func(string) bool) {
		for ; len(table) >= 4; table = table[4:] {
			name := l.im.cstring(le.Uint32(table))
			if l.watch.Matches(sbom.PEExport, name) {
				l.note(sbom.PEExport, name, "export directory")
			}
			if !yield(name) {
				return
			}
		}
	}
}

// defined notes what is watched among the symbols that the file has. A
// namespace or prefix that two tables tell of is noted once, with the larger
// count: they are the same symbols.
func (l *look) defined(names iter.Seq[string], where string) {
	for _, e := range l.matcher.Families(names, where) {
		i := slices.IndexFunc(l.c.Evidence, func(o sbom.Evidence) bool { return o.Kind == e.Kind && o.Value == e.Value })
		if i < 0 {
			l.c.Evidence = append(l.c.Evidence, e)
		} else {
			l.c.Evidence[i].Count = max(l.c.Evidence[i].Count, e.Count)
		}
	}
}

// imports reads the import and the delay-import directory.
func (l *look) imports() error {
	functions := map[string]bool{}
	l.importTable(functions)
	l.delayTable(functions)
	if l.thunksRead >= maxImports {
		l.gap(sbom.Limit, fmt.Sprintf("more than %d imported functions", maxImports))
	}
	es := l.matcher.Families(func(yield func(string) bool) {
		for f := range functions {
			if !yield(f) {
				return
			}
		}
	}, "import directory")
	for _, e := range es {
		e.Kind = sbom.SymbolImport
		l.c.Evidence = append(l.c.Evidence, e)
	}
	slices.SortFunc(l.dlls, func(a, b dll) int {
		return cmp.Or(cmp.Compare(strings.ToLower(a.name), strings.ToLower(b.name)), cmp.Compare(a.name, b.name))
	})
	others := 0
	for _, d := range l.dlls {
		switch {
		case l.watch.Matches(sbom.PEImport, d.name):
			l.note(sbom.PEImport, d.name, d.where)
		case !systemDLL(d.name) && others < maxOthers:
			others++
			l.note(sbom.PEImport, d.name, d.where)
		}
	}
	return l.im.err
}

type dll struct{ name, where string }

func (l *look) addDLL(name, where string) bool {
	if name == "" {
		return false
	}
	if len(l.dlls) >= maxDLLs {
		l.gap(sbom.Limit, fmt.Sprintf("more than %d imported libraries", maxDLLs))
		return false
	}
	l.dlls = append(l.dlls, dll{name, where})
	return true
}

func (l *look) importTable(functions map[string]bool) {
	dir := l.im.dirs[dirImport]
	for at := dir.rva; dir.rva != 0; at += 20 {
		d := l.im.rva(at, 20)
		if len(d) < 20 {
			l.gap(sbom.Malformed, "the import directory is not in the file")
			return
		}
		lookup, name, thunks := le.Uint32(d), le.Uint32(d[12:]), le.Uint32(d[16:])
		if name == 0 || !l.addDLL(l.im.cstring(name), "import directory") {
			return
		}
		if lookup == 0 {
			lookup = thunks // as Borland's linker writes it
		}
		l.thunks(lookup, functions)
	}
}

func (l *look) delayTable(functions map[string]bool) {
	dir := l.im.dirs[dirDelayImport]
	for at := dir.rva; dir.rva != 0; at += 32 {
		d := l.im.rva(at, 32)
		if len(d) < 32 {
			return
		}
		name, lookup := le.Uint32(d[4:]), le.Uint32(d[16:])
		if le.Uint32(d)&1 == 0 { // addresses and not offsets, as before Visual C++ 7
			name, lookup = name-uint32(l.im.base), lookup-uint32(l.im.base)
		}
		if le.Uint32(d[4:]) == 0 || !l.addDLL(l.im.cstring(name), "delay-import directory") {
			return
		}
		l.thunks(lookup, functions)
	}
}

// thunks reads the names of the functions of one imported library.
func (l *look) thunks(at uint32, functions map[string]bool) {
	step, ordinal := uint32(4), uint64(1)<<31
	if l.im.plus {
		step, ordinal = 8, 1<<63
	}
	for {
		batch := bytes.Clone(l.im.rva(at, 512*int(step)))
		at += uint32(len(batch))
		if len(batch) < int(step) {
			return
		}
		for ; len(batch) >= int(step); batch = batch[step:] {
			v := uint64(le.Uint32(batch))
			if l.im.plus {
				v = le.Uint64(batch)
			}
			if l.thunksRead++; v == 0 || l.thunksRead >= maxImports {
				return
			}
			if v&ordinal == 0 {
				if name := l.im.cstring(uint32(v) + 2); name != "" { // after the hint
					functions[name] = true
				}
			}
		}
	}
}

// systemPrefixes are beginnings of the names of DLLs of Windows and of the
// compilers' runtimes: importing them tells nothing.
var systemPrefixes = []string{
	"api-ms-", "ext-ms-", "msvcr", "msvcp", "vcruntime", "ucrtbase", "concrt", "mfc", "atl", "vcomp",
	"kernel32.", "kernelbase.", "ntdll.", "user32.", "gdi32.", "gdi32full.", "gdiplus.", "advapi32.", "shell32.", "shlwapi.",
	"ole32.", "oleaut32.", "oleacc.", "comdlg32.", "comctl32.", "ws2_32.", "wsock32.", "mswsock.", "winmm.", "version.",
	"imm32.", "msimg32.", "crypt32.", "cryptui.", "wintrust.", "bcrypt.", "bcryptprimitives.", "ncrypt.", "secur32.", "rpcrt4.",
	"setupapi.", "cfgmgr32.", "newdev.", "userenv.", "wtsapi32.", "iphlpapi.", "dnsapi.", "netapi32.", "winhttp.", "wininet.",
	"urlmon.", "psapi.", "dbghelp.", "uxtheme.", "dwmapi.", "powrprof.", "winspool.", "mpr.", "msi.", "msvfw32.",
	"avifil32.", "avicap32.", "ddraw.", "dsound.", "dinput8.", "dxgi.", "dxva2.", "d2d1.", "d3d8.", "d3d9.", "d3d10.",
	"d3d11.", "d3d12.", "dwrite.", "d3dcompiler_", "opengl32.", "glu32.", "mf.", "mfplat.", "mfreadwrite.", "propsys.",
	"windowscodecs.", "normaliz.", "hid.", "usp10.", "lz32.", "mscoree.", "ntoskrnl.", "hal.", "ndis.", "fltmgr.",
	"fwpkclnt.", "netio.", "wdfldr.", "wmilib.", "scsiport.", "storport.", "usbd.", "ks.", "portcls.", "dxgkrnl.",
	"ci.", "ksecdd.", "tdi.", "videoprt.", "wpp", "libgcc_s", "libstdc++", "libwinpthread", "wldap32.", "authz.",
	"credui.", "quartz.", "rasapi32.", "sfc.", "sensapi.", "shcore.", "tapi32.", "wevtapi.", "wlanapi.", "pdh.",
}

func systemDLL(name string) bool {
	name = strings.ToLower(name)
	for _, p := range systemPrefixes {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	return false
}

// coffSymbols reads the COFF symbol table, which MinGW and Go leave in.
func (l *look) coffSymbols() error {
	const entry = 18 // bytes: "PE Format", COFF Symbol Table
	off, n := int64(l.im.symbols), int64(l.im.numSymbols)
	if off == 0 || n == 0 || off+n*entry > l.im.size {
		return nil // stale values are common: they are deprecated for images
	}
	if n > watch.MaxNames || n*entry > maxCOFFSize {
		l.gap(sbom.Limit, fmt.Sprintf("%d COFF symbols: only the first %d were read", n, watch.MaxNames))
		n = watch.MaxNames
	}
	l.defined(l.coffNames(off, n, off+int64(l.im.numSymbols)*entry), "COFF symbol table")
	return l.im.err
}

// coffNames yields the external symbols that are defined in a section.
func (l *look) coffNames(off, n, strtab int64) iter.Seq[string] {
	return func(yield func(string) bool) {
		size := 0
		if b := l.im.at(strtab, 4); len(b) == 4 {
			size = int(min(le.Uint32(b), maxCOFFSize))
		}
		text := bytes.Clone(l.im.at(strtab, size))
		for i := int64(0); i < n; i++ {
			b := l.im.at(off+i*18, 18)
			if len(b) < 18 {
				return
			}
			sect, class := int16(le.Uint16(b[12:])), b[16]
			i += int64(b[17]) // auxiliary records
			if sect <= 0 || class != 2 {
				continue
			}
			name := string(bytes.TrimRight(b[:8], "\x00"))
			if at := int64(le.Uint32(b[4:])); le.Uint32(b) == 0 {
				if at >= int64(len(text)) {
					continue
				}
				end := bytes.IndexByte(text[at:], 0)
				if end < 0 {
					continue
				}
				name = string(text[at : at+int64(end)])
			}
			if !yield(name) {
				return
			}
		}
	}
}
