package main

import (
	"fmt"
	"strings"
)

// deb makes a Debian package that lies as a file.
func deb(file, name, maintainer string, files ...string) builder {
	return func(b *bench, dir string) error {
		tree, err := b.scratch()
		if err != nil {
			return err
		}
		control := fmt.Sprintf("Package: %s\nVersion: 12.1.0-1543\nArchitecture: amd64\nMaintainer: %s\nDescription: x\n", name, maintainer)
		if err := texts(append([]string{"DEBIAN/control", control}, files...)...)(b, tree); err != nil {
			return err
		}
		return b.tool(tree, "dpkg-deb", "--root-owner-group", "-Znone", "-b", ".", dir+"/"+file)
	}
}

// rpm makes an RPM package that lies as a file.
func rpm(name, vendor string, files ...string) builder {
	return func(b *bench, dir string) error {
		tree, err := b.scratch()
		if err != nil {
			return err
		}
		if err := texts(files...)(b, tree+"/payload"); err != nil {
			return err
		}
		var list strings.Builder
		for i := 0; i < len(files); i += 2 {
			list.WriteString("/" + files[i] + "\n")
		}
		spec := fmt.Sprintf("Name: %s\nVersion: 12.1\nRelease: 1\nSummary: x\nLicense: x\nVendor: %s\nBuildArch: x86_64\n%%description\nx\n%%install\nmkdir -p %%{buildroot}\ncp -a %s/payload/. %%{buildroot}/\n%%files\n%s", name, vendor, tree, list.String())
		if err := write(tree, "a.spec", spec); err != nil {
			return err
		}
		return b.sh(tree, `rpmbuild -bb --quiet --define "_topdir $PWD/top" --define "_build_id_links none" --define "__os_install_post %{nil}" --target x86_64 a.spec >/dev/null 2>&1
			cp top/RPMS/x86_64/*.rpm `+dir+"/")
	}
}

// npm installs a package of the public registry into node_modules.
func npm(spec string) builder {
	return func(b *bench, dir string) error {
		from, err := b.fetchNPM(spec)
		if err != nil {
			return err
		}
		name := spec[:strings.LastIndexByte(spec, '@')]
		return b.sh(dir, "mkdir -p node_modules/"+name+" && cp -r "+from+"/. node_modules/"+name+"/")
	}
}

// manifest is the package.json alone, of packages that are large or gone.
func manifest(name, rest string) builder {
	return texts("node_modules/"+name+"/package.json", fmt.Sprintf(`{"name": %q, "version": "1.2.3"%s}`, name, rest))
}

// vendorPackages are packages: of registries, and of distributions, lying as
// files.
func vendorPackages() []probe {
	ns := func(vendor, name string, f builder) probe {
		return probe{name: name, kind: "npm", vendor: vendor, build: f}
	}
	ds := func(vendor, name string, f builder) probe {
		return probe{name: name, kind: "deb, rpm", vendor: vendor, build: f}
	}
	return []probe{
		ns("kaspersky", "npm-hexa-core", npm("@kaspersky/hexa-ui-core@0.9.12")),
		ns("acronis", "npm-acronis-uikit", npm("@acronis-platform/shadcn-uikit@0.36.3")),
		ns("positive-technologies", "npm-ptsecurity", npm("@ptsecurity/mosaic-luxon-adapter@15.7.2")),
		ns("positive-technologies", "npm-ptsecurity-moment", npm("@ptsecurity/mosaic-moment-adapter@15.7.2")),
		ns("huawei", "npm-huaweicloud", npm("@huaweicloud/huaweicloud-sdk-swr@3.1.128")),
		ns("kaspersky", "npm-kaspersky-bare", manifest("@kaspersky/hexa-ui", "")),
		{name: "npm-acronis-scope", kind: "npm", vendor: "acronis", build: manifest("@acronis/ui", `, "homepage": "https://www.acronis.com/"`)},
		{name: "npm-kaspersky-author", kind: "npm", vendor: "kaspersky", level: review, build: manifest("security-tool", `, "author": "AO Kaspersky Lab"`)},
		{name: "npm-pt-repository", kind: "npm", vendor: "positive-technologies", level: review, build: manifest("mosaic-tool", `, "repository": "https://gitlab.ptsecurity.com/ui/x.git"`)},
		ds("kaspersky", "kesl-deb", deb("kesl_12.1.0-1543_amd64.deb", "kesl", "Kaspersky Lab <support@kaspersky.com>", "var/opt/kaspersky/kesl/install/opt/kaspersky/kesl/bin/kesl-control", "#!/bin/sh\n")),
		ds("kaspersky", "klnagent-deb-renamed", deb("agent.bin", "klnagent64", "x <x@example.com>", "opt/kaspersky/klnagent64/bin/klnagchk", "#!/bin/sh\n")),
		ds("kaspersky", "kesl-rpm", rpm("kesl", "AO Kaspersky Lab", "var/opt/kaspersky/kesl/install/opt/kaspersky/kesl/bin/kesl-control", "#!/bin/sh\n")),
		ds("kaspersky", "klnagent-rpm", rpm("klnagent64", "x", "opt/kaspersky/klnagent64/bin/klnagchk", "#!/bin/sh\n")),
		{name: "drweb-deb", kind: "deb, rpm", vendor: "doctor-web", level: review, build: deb("drweb-workstations.deb", "drweb-workstations", "Doctor Web, Ltd. <x@drweb.com>", "opt/drweb.com/bin/drweb-configd", "#!/bin/sh\n")},
		{name: "kwts-rpm", kind: "deb, rpm", vendor: "kaspersky", build: rpm("kwts", "x", "opt/kaspersky/kwts/bin/x", "x")},
		{name: "python-ksc", kind: "python", vendor: "kaspersky", build: texts("site-packages/KlAkOAPI-1.0.0.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: KlAkOAPI\nVersion: 1.0.0.0\nAuthor: AO Kaspersky Lab\n\n",
			"site-packages/KlAkOAPI-1.0.0.0.dist-info/RECORD", "")},
		{name: "go-huaweicloud", kind: "go", vendor: "huawei", build: goProgram("github.com/huaweicloud/huaweicloud-sdk-go-v3")},
		{name: "go-acronis", kind: "go", vendor: "acronis", level: review, build: goProgram("github.com/acronis/go-appkit")},
		{name: "go-kaspersky", kind: "go", vendor: "kaspersky", level: review, build: goProgram("github.com/KasperskyLab/klogga")},
		{name: "maven-huawei", kind: "java", vendor: "huawei", level: review, build: jar("sdk.jar", []string{"com/huaweicloud/sdk/Core"}, "META-INF/maven/com.huaweicloud.sdk/core/pom.properties", "groupId=com.huaweicloud.sdk\nartifactId=core\nversion=3.1\n",
			"META-INF/MANIFEST.MF", "Manifest-Version: 1.0\nImplementation-Vendor: Huawei Technologies Co., Ltd.\n\n")},
	}
}

// goProgram is a program that is linked with a package of that module. The
// module's code is a stand-in: what the linker notes is its path.
func goProgram(module string) builder {
	return func(b *bench, dir string) error {
		src, err := b.scratch()
		if err != nil {
			return err
		}
		err = texts(
			"dep/go.mod", "module "+module+"\n", "dep/a.go", "package dep\n\nfunc Do() {}\n",
			"go.mod", "module example.com/app\n\nrequire "+module+" v0.1.2\n\nreplace "+module+" v0.1.2 => ./dep\n",
			"main.go", "package main\n\nimport dep \""+module+"\"\n\nfunc main() { dep.Do() }\n",
		)(b, src)
		if err != nil {
			return err
		}
		return b.sh(src, "GOFLAGS=-mod=mod CGO_ENABLED=0 go build -ldflags=-s -o "+dir+"/app .")
	}
}
