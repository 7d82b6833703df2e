package detect

import (
	"slices"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner/detect/android"
	"github.com/interdict/interdict/scanner/detect/ar"
	"github.com/interdict/interdict/scanner/detect/archive"
	"github.com/interdict/interdict/scanner/detect/browserext"
	"github.com/interdict/interdict/scanner/detect/elf"
	"github.com/interdict/interdict/scanner/detect/installer"
	"github.com/interdict/interdict/scanner/detect/java"
	"github.com/interdict/interdict/scanner/detect/kmod"
	"github.com/interdict/interdict/scanner/detect/macho"
	"github.com/interdict/interdict/scanner/detect/manifest"
	"github.com/interdict/interdict/scanner/detect/pe"
	"github.com/interdict/interdict/scanner/detect/pgp"
	"github.com/interdict/interdict/scanner/detect/pkgfile"
	"github.com/interdict/interdict/scanner/detect/plist"
	"github.com/interdict/interdict/scanner/detect/serviceconfig"
	"github.com/interdict/interdict/scanner/detect/swid"
	"github.com/interdict/interdict/scanner/detect/wincatalog"
	"github.com/interdict/interdict/scanner/detect/winreg"
	"github.com/interdict/interdict/scanner/detect/x509"
)

// All is the list of all detectors and expanders. The Watch says which paths,
// symbols and strings are worth noting; nil is none.
//
// Where several tell of one file, the first names it: the list goes from the
// formats that say most of what a file is. More are units of the caller's.
func All(w *sbom.Watch, more ...Unit) *Set {
	return New(w, slices.Concat([]Unit{
		kmod.New(w),
		elf.New(w),
		pe.New(w),
		wincatalog.New(w),
		macho.New(w),
		plist.New(w),
		android.New(w),
		java.New(w),
		installer.New(w),
		pkgfile.New(),
		manifest.New(),
		serviceconfig.New(w),
		pgp.New(w),
		x509.New(w),
		winreg.New(w),
		swid.New(w),
		browserext.New(w),
		ar.New(w),
		archive.New(),
	}, more, []Unit{newCarver()})...) // it takes what the others leave
}
