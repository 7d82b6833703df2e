package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// cached returns a folder of the user's cache, which make fills when it is not
// there yet.
func cached(sort, name string, make func(tmp string) error) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	parent := filepath.Join(cache, "interdict-test", sort)
	dir := filepath.Join(parent, name)
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return "", err
	}
	tmp, err := os.MkdirTemp(parent, "fetch")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(tmp)
	if err := make(tmp); err != nil {
		return "", err
	}
	if err := os.Rename(filepath.Join(tmp, "package"), dir); err != nil {
		if _, again := os.Stat(dir); again != nil { // another was not faster
			return "", err
		}
	}
	return dir, nil
}

// fetchNPM unpacks a package of the npm registry into the cache, once.
func (b *bench) fetchNPM(spec string) (string, error) {
	return cached("npm", spec, func(tmp string) error {
		out, err := exec.CommandContext(b.ctx, "npm", "pack", "--silent", "--pack-destination", tmp, spec).Output()
		if err != nil {
			return fmt.Errorf("fetching %s with npm: %w", spec, err)
		}
		return b.tool(tmp, "tar", "-xzf", strings.TrimSpace(string(out)), "--one-top-level=package", "--strip-components=1")
	})
}

// fetchDeb unpacks a package of Debian into the cache, once.
func (b *bench) fetchDeb(name string) (string, error) {
	return cached("unpacked", name, func(tmp string) error {
		if err := b.sh(tmp, "apt-get download -qq -o APT::Sandbox::User=root "+name); err != nil {
			return err
		}
		return b.sh(tmp, "dpkg-deb -x *.deb package")
	})
}
