package elffile

import (
	"debug/elf"
	"strings"

	"github.com/interdict/interdict/sbom"
)

// MaxModinfo bounds the .modinfo section in bytes. The longest have thousands
// of device aliases.
const MaxModinfo = 4 << 20

// IsModule reports whether the file is a Linux kernel module: an object file
// with the section that holds its struct module, or with module information.
func (f *File) IsModule() bool {
	return f.Type == elf.ET_REL && (f.Section(".gnu.linkonce.this_module") != nil || f.Section(".modinfo") != nil)
}

// InTree returns the evidence that .modinfo says the module was built from the
// kernel's own source tree, or none. The author of such a module is a
// contributor and not the vendor of the product.
// Source: Linux, scripts/mod/modpost.c (add_intree_flag).
func InTree(info map[string][]string) []sbom.Evidence {
	if in := info["intree"]; len(in) > 0 && in[0] == "Y" {
		return []sbom.Evidence{{Kind: sbom.ModinfoInTree, Value: "Y", Where: ".modinfo"}}
	}
	return nil
}

// ParseModinfo reads "key=value" entries, NUL-terminated, and leaves out
// "alias", of which there are many.
// Source: Linux, include/linux/moduleparam.h (__MODULE_INFO).
func ParseModinfo(b []byte) map[string][]string {
	info := map[string][]string{}
	for entry := range strings.SplitSeq(string(b), "\x00") {
		key, value, ok := strings.Cut(entry, "=")
		if ok && key != "alias" && len(info[key]) < 64 && len(info) < 256 {
			info[key] = append(info[key], value)
		}
	}
	return info
}
