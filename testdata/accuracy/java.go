package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// classes compiles one empty class for each name into dir: "com/acme/Main".
func classes(b *bench, dir string, names ...string) error {
	src, err := b.scratch()
	if err != nil {
		return err
	}
	args := []string{"-nowarn", "-proc:none", "-d", dir}
	for i, n := range names {
		pkg, class := strings.ReplaceAll(filepath.ToSlash(filepath.Dir(n)), "/", "."), filepath.Base(n)
		file := fmt.Sprintf("%d/%s.java", i, class)
		if err := write(src, file, "package "+pkg+"; public class "+class+" { }\n"); err != nil {
			return err
		}
		args = append(args, filepath.Join(src, file))
	}
	return b.tool(src, "javac", args...)
}

// jar makes a JAR of classes and other files: name, contents.
func jar(name string, class []string, files ...string) builder {
	return func(b *bench, dir string) error {
		tree, err := b.scratch()
		if err != nil {
			return err
		}
		if err := classes(b, tree, class...); err != nil {
			return err
		}
		if err := texts(files...)(b, tree); err != nil {
			return err
		}
		out := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
			return err
		}
		return b.tool(tree, "zip", "-q", "-r", out, ".")
	}
}

// aar makes an Android library: a JAR in a zip with a manifest.
func aar(name, pkg string, class ...string) builder {
	return func(b *bench, dir string) error {
		tree, err := b.scratch()
		if err != nil {
			return err
		}
		manifest := `<manifest xmlns:android="http://schemas.android.com/apk/res/android" package="` + pkg + `"/>`
		if err := both(jar("classes.jar", class), texts("AndroidManifest.xml", manifest, "R.txt", ""))(b, tree); err != nil {
			return err
		}
		return b.tool(tree, "zip", "-q", "-r", filepath.Join(dir, name), ".")
	}
}

// apk makes an Android application with a binary manifest, classes and, when
// library is not empty, a native library.
func apk(name, pkg, library string, class ...string) builder {
	return func(b *bench, dir string) error {
		tree, err := b.scratch()
		if err != nil {
			return err
		}
		manifest := `<manifest xmlns:android="http://schemas.android.com/apk/res/android" package="` + pkg + `" android:versionCode="1" android:versionName="1.0"><application android:label="a"/></manifest>`
		if err := write(tree, "AndroidManifest.xml", manifest); err != nil {
			return err
		}
		for _, c := range class {
			if err := write(tree, "smali/"+c+".smali", ".class public L"+c+";\n.super Ljava/lang/Object;\n"); err != nil {
				return err
			}
		}
		script := `smali assemble -o classes.dex smali
			aapt package -M AndroidManifest.xml -I /usr/share/android-framework-res/framework-res.apk -F app.apk >/dev/null 2>&1
			zip -q app.apk classes.dex`
		if library != "" {
			if err := (elf{name: library, exports: qihooJiagu}).build(b, tree); err != nil {
				return err
			}
			script += " " + library
		}
		if err := b.sh(tree, script); err != nil {
			return err
		}
		return os.Rename(filepath.Join(tree, "app.apk"), filepath.Join(dir, name))
	}
}

func vendorJava() []probe {
	js := func(vendor, name string, f builder) probe {
		return probe{name: name, kind: "java", vendor: vendor, build: f}
	}
	as := func(vendor, name string, f builder) probe {
		return probe{name: name, kind: "android", vendor: vendor, build: f}
	}
	weak := func(p probe) probe { p.level = review; return p }
	return []probe{
		js("dahua", "dahua-jar", jar("INetSDK.jar", []string{"com/company/NetSDK/INetSDK", "com/company/NetSDK/CB_fDisConnect", "com/company/PlaySDK/IPlaySDK"})),
		weak(js("dahua", "dahua-jar-old", jar("netsdk.jar", []string{"com/netsdk/lib/NetSDKLib"}))),
		weak(js("hikvision", "hik-jar", jar("HCNetSDK.jar", []string{"com/hikvision/netsdk/HCNetSDK", "com/hikvision/netsdk/NET_DVR_DEVICEINFO_V30", "org/MediaPlayer/PlayM4/Player"}))),
		weak(js("hikvision", "hik-jar-openapi", jar("artemis-http-client.jar", []string{"com/hikvision/artemis/sdk/Client"}, "META-INF/MANIFEST.MF", "Manifest-Version: 1.0\nImplementation-Vendor: JetBrains\n\n"))),
		js("kaspersky", "kavsdk-jar", jar("kavsdk.jar", []string{"com/kavsdk/KavSdk", "com/kavsdk/antivirus/Antivirus"})),
		js("kaspersky", "kavsdk-jar-in-war", shell("mkdir -p WEB-INF/lib && mv x.jar WEB-INF/lib/ && zip -qr app.war WEB-INF && rm -r WEB-INF", jar("x.jar", []string{"com/kavsdk/KavSdk"}))),
		js("kaspersky", "kaspresso-jar", jar("kaspresso.jar", []string{"com/kaspersky/kaspresso/Kaspresso"}, "META-INF/maven/com.kaspersky.android-components/kaspresso/pom.properties",
			"groupId=com.kaspersky.android-components\nartifactId=kaspresso\nversion=1.5.5\n")),
		as("kaspersky", "kavsdk-aar", aar("KL_Base_SDK_Android_5.18.0.215_Release.aar", "com.kavsdk", "com/kavsdk/KavSdk", "com/kaspersky/components/io/IO")),
		as("kaspersky", "kavsdk-aar-renamed", aar("guard.aar", "com.example.guard", "com/kavsdk/KavSdk", "com/example/Guard")),
		as("dahua", "dahua-aar", aar("netsdk.aar", "com.company.NetSDK", "com/company/NetSDK/INetSDK")),
		as("kaspersky", "kavsdk-apk", apk("bank.apk", "com.example.bank", "", "com/example/bank/Main", "com/kavsdk/antivirus/Antivirus")),
		as("qihoo-360", "jiagu-apk", apk("packed.apk", "com.example.game", "assets/libjiagu.so", "com/stub/StubApp", "com/qihoo/util/Configuration")),
		weak(as("bytedance", "tiktok-apk", apk("app.apk", "com.zhiliaoapp.musically", "", "com/ss/android/Main"))),
		weak(as("kaspersky", "kms-apk", apk("k.apk", "com.kms.free", "", "com/kms/Main"))),
	}
}
