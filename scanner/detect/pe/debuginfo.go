package pe

import (
	"bytes"

	"github.com/interdict/interdict/sbom"
)

const (
	maxDebugEntries = 64
	maxPDBPath      = 4096
	codeView        = 2 // IMAGE_DEBUG_TYPE_CODEVIEW
)

// debugPaths reads the paths of the program databases in the debug directory,
// of all compilers: RSDS since Visual C++ 7, NB10 before.
func (l *look) debugPaths() error {
	dir := l.im.dirs[dirDebug]
	n := min(int(dir.size/28), maxDebugEntries)
	table := bytes.Clone(l.im.rva(dir.rva, 28*n))
	for ; len(table) >= 28; table = table[28:] {
		if le.Uint32(table[12:]) != codeView {
			continue
		}
		size, rva, off := le.Uint32(table[16:]), le.Uint32(table[20:]), le.Uint32(table[24:])
		b := l.im.at(int64(off), int(min(size, maxPDBPath)))
		if off == 0 {
			b = l.im.rva(rva, int(min(size, maxPDBPath)))
		}
		header := 0
		switch {
		case bytes.HasPrefix(b, []byte("RSDS")):
			header = 24 // signature, GUID, age
		case bytes.HasPrefix(b, []byte("NB10")), bytes.HasPrefix(b, []byte("NB09")):
			header = 16 // signature, offset, time, age
		}
		if header == 0 || len(b) <= header {
			continue
		}
		path, _, _ := bytes.Cut(b[header:], []byte{0})
		l.note(sbom.PEPDBPath, string(path), "debug directory")
	}
	return l.im.err
}

// packers are names of sections that a packer or protector leaves.
var packers = map[string]string{
	"UPX0": "UPX", "UPX1": "UPX", ".MPRESS1": "MPRESS", ".aspack": "ASPack", ".adata": "ASPack",
	".vmp0": "VMProtect", ".vmp1": "VMProtect", ".themida": "Themida", ".winlice": "WinLicense",
	".enigma1": "Enigma", ".petite": "Petite", ".nsp0": "NsPack", ".nsp1": "NsPack", "PEC2": "PECompact",
}

// packed tells of a packer: what is inside of it is not read.
func (l *look) packed() error {
	for _, s := range l.im.sections {
		if p := packers[s.name]; p != "" {
			l.note(sbom.Packer, p, "section "+s.name)
		}
	}
	return nil
}
