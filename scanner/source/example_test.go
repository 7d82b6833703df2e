package source_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/scantest"
	"github.com/interdict/interdict/scanner/source"
)

// ExampleOpen opens what "docker save" wrote. A target may lead to several
// sources: one for each platform, and one for each image that another reader
// would take from the same archive.
func ExampleOpen() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	archive := filepath.Join(dir, "app.tar")
	if err := save(archive); err != nil {
		fmt.Println(err)
		return
	}

	sources, err := source.Open(context.Background(), archive, source.Options{})
	if notImage := (*source.NotImage)(nil); errors.As(err, &notImage) {
		fmt.Println("nothing to examine:", notImage.What)
		return
	}
	if err != nil {
		fmt.Println(err) // one line; its Hint method says what to do
		return
	}
	for _, s := range sources {
		defer s.Close()
		subject := s.Subject()
		fmt.Println(subject.Kind, subject.Platform, subject.Tags)
		for _, l := range s.Layers() {
			fmt.Println(l.Describe().CreatedBy) // l.Open reads its tar
		}
		if s, ok := s.(scanner.Incomplete); ok {
			fmt.Println("damaged or ambiguous:", len(s.Gaps()) > 0)
		}
	}
	// Output:
	// image linux/amd64 [1]
	// COPY motd /etc/
	// damaged or ambiguous: false
}

// save writes an image of one layer.
func save(name string) error {
	img, err := scantest.Image{Layers: []scantest.Layer{{CreatedBy: "COPY motd /etc/",
		Files: []scantest.File{{Path: "etc/motd", Body: []byte("hi\n")}}}}}.Build()
	if err != nil {
		return err
	}
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	return scantest.WriteDockerArchive(f, "team/app:1", img)
}
