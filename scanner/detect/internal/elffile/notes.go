package elffile

import (
	"debug/elf"
	"strings"
)

// Bounds of notes.
const (
	maxNoteBytes = 4 << 20 // of all notes of a file
	maxNotes     = 256
)

// Note is one entry of a note section or segment.
type Note struct {
	Owner string // "GNU", "FDO"
	Type  uint32
	Desc  []byte
}

// Notes reads the notes of the segments that the loader knows, and those of
// sections that no segment holds.
func (f *File) Notes() ([]Note, error) {
	type place struct{ off, size uint64 }
	var places []place
	covered := func(off uint64) bool {
		for _, p := range places {
			if off >= p.off && off-p.off < p.size {
				return true
			}
		}
		return false
	}
	for _, p := range f.Segments {
		if p.Type == elf.PT_NOTE && len(places) < maxNotes {
			places = append(places, place{p.Off, p.FileSz})
		}
	}
	for i := range f.Sections {
		s := &f.Sections[i]
		if s.Type != elf.SHT_NOTE && !(s.Type == elf.SHT_PROGBITS && strings.HasPrefix(s.Name, ".note.")) {
			continue
		}
		if !covered(s.Off) && len(places) < maxNotes {
			places = append(places, place{s.Off, s.Size})
		}
	}
	var notes []Note
	left := int64(maxNoteBytes)
	for _, p := range places {
		b, err := f.Data(&Section{Type: elf.SHT_NOTE, Off: p.off, Size: p.size}, left)
		if err != nil {
			return nil, err
		}
		left -= int64(len(b))
		if notes = f.parseNotes(notes, b); len(notes) >= maxNotes {
			break
		}
	}
	return notes, nil
}

// parseNotes reads entries that are padded to 4 bytes, as binutils writes them
// for all but GNU properties; those follow none of ours.
func (f *File) parseNotes(notes []Note, b []byte) []Note {
	for len(b) >= 12 && len(notes) < maxNotes {
		owner, desc := uint64(f.Order.Uint32(b)), uint64(f.Order.Uint32(b[4:]))
		n := Note{Type: f.Order.Uint32(b[8:])}
		b = b[12:]
		if owner > uint64(len(b)) {
			break
		}
		n.Owner = strings.TrimRight(string(b[:owner]), "\x00")
		b = b[min((owner+3)&^3, uint64(len(b))):]
		if desc > uint64(len(b)) {
			break
		}
		n.Desc = b[:desc]
		b = b[min((desc+3)&^3, uint64(len(b))):]
		notes = append(notes, n)
	}
	return notes
}
