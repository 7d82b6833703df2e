package main

import (
	"path/filepath"

	"github.com/interdict/interdict/scanner/scantest"
)

// selfSigned signs a program with a certificate that anybody can make: it
// says that it is a vendor's, and nobody issued it.
func selfSigned(p pe, org string) builder {
	return func(b *bench, dir string) error {
		if err := p.build(b, dir); err != nil {
			return err
		}
		tmp, err := b.scratch()
		if err != nil {
			return err
		}
		if err := b.tool(tmp, "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "999",
			"-keyout", "k.pem", "-out", "c.pem", "-subj", "/C=RU/L=Moscow/O="+org+"/CN="+org); err != nil {
			return err
		}
		file := filepath.Join(dir, p.name)
		if err := b.tool(tmp, "osslsigncode", "sign", "-certs", "c.pem", "-key", "k.pem", "-in", file, "-out", "signed"); err != nil {
			return err
		}
		return b.tool(tmp, "mv", "signed", file)
	}
}

// transplanted puts the signature of one program on another.
func transplanted(p pe, by string) builder {
	return func(b *bench, dir string) error {
		tmp, err := b.scratch()
		if err != nil {
			return err
		}
		if err := signed(pe{name: "a.exe", text: []string{"another program"}}, signature{by, nil})(b, tmp); err != nil {
			return err
		}
		if err := b.tool(tmp, "osslsigncode", "extract-signature", "-in", "a.exe", "-out", "a.sig"); err != nil {
			return err
		}
		if err := p.build(b, dir); err != nil {
			return err
		}
		file := filepath.Join(dir, p.name)
		// It says that the signature does not fit, after it has put it there.
		return b.sh(tmp, `osslsigncode attach-signature -sigin a.sig -in "`+file+`" -out out.exe >/dev/null 2>&1 || true; [ -s out.exe ]; mv out.exe "`+file+`"`)
	}
}

// innocentBuilt are programs that look like a vendor's and are not: built for
// one way each in which a name misleads.
func innocentBuilt() []probe {
	ps := func(name string, p pe) probe { return probe{name: name, kind: "trap pe", build: p.build} }
	es := func(name string, e elf) probe { return probe{name: name, kind: "trap elf", build: e.build} }
	bs := func(name, kind string, f builder) probe { return probe{name: name, kind: kind, build: f} }
	weak := func(p probe) probe { p.level = review; return p }
	other := "Example Software Ltd."
	return []probe{
		weak(bs("forged-signer", "trap signature", selfSigned(pe{name: "payload.exe"}, "Kaspersky Lab"))),
		weak(bs("forged-signer-cloned", "trap signature", selfSigned(pe{name: "loader.exe", info: info(kasperskyAO, "Kaspersky Anti-Virus", "© 2023 AO Kaspersky Lab")}, kasperskyAO))),
		weak(bs("forged-signer-qihoo", "trap signature", selfSigned(pe{name: "payload.exe"}, qihooBeijing))),
		weak(bs("transplanted-signature", "trap signature", transplanted(pe{name: "payload.exe"}, kasperskyAO))),
		bs("similar-signer", "trap signature", signed(pe{name: "a.exe"}, signature{"Kasper Sky Labs Ltd.", nil})),
		bs("other-signer", "trap signature", signed(pe{name: "a.sys"}, signature{microsoft, []string{"-h", "sha256"}}, signature{other, []string{"-h", "sha256", "-n", "Works with Kaspersky", "-i", "https://www.kaspersky.com/"}})),
		ps("client-exe", pe{name: "viewer.exe", imports: map[string][]string{"HCNetSDK.dll": {"NET_DVR_Init", "NET_DVR_Login_V30", "NET_DVR_Cleanup"}}, info: info(other, "Viewer", "")}),
		ps("client-exe-bare", pe{name: "viewer.exe", imports: map[string][]string{"HCNetSDK.dll": hikNet[:10], "PlayCtrl.dll": hikPlayer[:4]}}),
		ps("client-exe-dahua", pe{name: "viewer.exe", imports: map[string][]string{"dhnetsdk.dll": dahuaNet[:12]}}),
		es("client-elf", elf{name: "viewer.so", needed: []string{"libhcnetsdk.so"}, imports: hikNet[:12]}),
		es("client-elf-dahua", elf{name: "viewer.so", needed: []string{"libdhnetsdk.so"}, imports: dahuaNet[:12]}),
		es("client-elf-hisilicon", elf{name: "ipcam", needed: []string{"libmpi.so"}, imports: hisilicon}),
		es("compiler-comment", elf{name: "libjpeg.so.8", soname: "libjpeg.so.8", exports: []string{"jpeg_start_compress"}, comment: "GCC: (Hisilicon_v300) 4.8.3 20131202"}),
		es("compiler-comment-object", elf{name: "thirdparty.o", exports: []string{"x265_encoder_open"}, comment: "GCC: (HC&C V100R002C00B027_20181107) 6.3.0 Huawei Technologies Co., Ltd."}),
		es("vulkan", elf{name: "libVkLayer.so", soname: "libVkLayer.so", exports: []string{"vkGetDeviceSubpassShadingMaxWorkgroupSizeHUAWEI", "vkCmdSubpassShadingHUAWEI", "vkCmdBindInvocationMaskHUAWEI", "vkCmdDrawClusterHUAWEI", "vkCmdDrawClusterIndirectHUAWEI"}}),
		es("mysql-flags", elf{name: "libmysqlish.so", exports: prefixed("CLIENT_", "LONG_PASSWORD FOUND_ROWS LONG_FLAG CONNECT_WITH_DB NO_SCHEMA COMPRESS ODBC LOCAL_FILES IGNORE_SPACE PROTOCOL_41 INTERACTIVE SSL TRANSACTIONS SECURE_CONNECTION MULTI_STATEMENTS Init Query")}),
		es("openssl", elf{name: "libssl.so.3", soname: "libssl.so.3", exports: prefixed("SSL_", "CLIENT_HELLO connect accept read write"), text: []string{"AcceptSecurityContext", "nsIScriptSecurityManager", "dahuaqihuzte"}}),
		es("obs-studio", elf{name: "libobs.so.0", soname: "libobs.so.0", exports: prefixed("obs_", "initialized startup shutdown get_version set_cmdline_args source_create output_start")}),
		es("play-words", elf{name: "libplayer.so", exports: prefixed("PLAY_", "Play Stop Pause Next Previous")}),
		es("hpr-words", elf{name: "libhprose.so", exports: prefixed("HPR_", "Write Read Call Close Open Parse Encode Decode Hash Reset Begin End List Map Ref Error Serialize")}),
		es("net-words", elf{name: "libgame.so", exports: prefixed("NET_", "Init Shutdown Sleep SendPacket OutOfBandPrint Config GetLoopPacket"), text: []string{"CM_DAHUA", "CM_HUAWEI", "HIKVISION", "AVP"}}),
		es("dissector", elf{name: "libwireshark.so.16", soname: "libwireshark.so.16", exports: []string{"dissect_tcp"}, text: []string{"Hangzhou Hikvision Digital Technology Co.,Ltd.", "Zhejiang Dahua Technology Co., Ltd.", "HUAWEI TECHNOLOGIES CO.,LTD", "zte corporation", "Kaspersky Lab ZAO", "Hytera Communications Corporation Limited"}}),
		es("mm-plugin", elf{name: "libmm-plugin-huawei.so", soname: "libmm-plugin-huawei.so", exports: []string{"mm_plugin_create_huawei"}}),
		es("mm-plugin-zte", elf{name: "libmm-plugin-zte.so", soname: "libmm-plugin-zte.so", exports: []string{"mm_plugin_create_zte"}}),
		bs("kmod-in-tree", "trap kmod", elf{name: "hinic.ko", modinfo: []string{"author=Huawei Technologies CO., Ltd", "license=GPL", "name=hinic", "intree=Y", "vermagic=6.1.0-56-amd64 SMP"}}.build),
		bs("kmod-named", "trap kmod", elf{name: "huawei_cdc_ncm.ko", modinfo: []string{"author=Enrico Mioso <mrkiko.rs@gmail.com>", "license=GPL", "name=huawei_cdc_ncm", "intree=Y"}}.build),
		bs("kmod-wmi", "trap kmod", elf{name: "huawei-wmi.ko", modinfo: []string{"author=Ayman Bagabas <ayman.bagabas@gmail.com>", "license=GPL v2", "name=huawei_wmi", "intree=Y"}}.build),
		bs("kmod-tracker", "trap kmod", elf{name: "file_protector.ko", modinfo: []string{"author=Someone", "license=GPL", "name=file_protector"}}.build),
		ps("kingsoft", pe{name: "KAVBootC64.sys", info: info("Kingsoft Corporation", "Kingsoft Antivirus", "")}),
		ps("norton-360", pe{name: "n360.exe", info: info("NortonLifeLock Inc.", "Norton 360", "Copyright (c) 2022 NortonLifeLock Inc.")}),
		ps("panda-360", pe{name: "psa.exe", info: info("Panda Security, S.L.", "Panda Adaptive Defense 360", "")}),
		ps("cynet-360", pe{name: "cynet.exe", info: info("Cynet Security LTD", "Cynet 360", "")}),
		ps("plugin-for", pe{name: "hikplugin.dll", info: map[string]string{"CompanyName": other, "FileDescription": "Plug-in for Hikvision and Dahua cameras", "ProductName": "Hikvision Plugin"}}),
		ps("generic-driver", pe{name: "tracker.sys", info: info(other, "Tracker", "")}),
		ps("generic-eventmon", pe{name: "EventMon.sys", info: info(other, "Event Monitor", "")}),
		ps("generic-safemon", pe{name: "safemon.dll", info: info(other, "Safe", "")}),
		ps("generic-avp", pe{name: "avp.exe", info: info("Avid Technology, Inc.", "AVP", "")}),
		ps("generic-ppl", pe{name: "plugin.ppl", info: info(other, "", "")}),
		ps("ui-library", pe{name: "kernelfilter.dll", library: "kernelfilter.dll", exports: []string{"AvpInit", "KlInit"}, pdb: `C:\src\hcnet\klient.pdb`}),
		ps("renamed-openssl", pe{name: "libeay32.dll", library: "LIBEAY32.dll", exports: []string{"SSLeay"}, info: info("The OpenSSL Project, http://www.openssl.org/", "The OpenSSL Toolkit", "")}),
		bs("mach-client", "trap macho", macho{name: "viewer", exports: []string{"main"}, dylibs: []string{"@rpath/libhcnetsdk.dylib"}}.build),
		bs("app-similar", "trap bundle", app("Kasperskyish.app", "org.kaspersky-fan.viewer", "main")),
		bs("java-similar", "trap java", jar("client.jar", []string{"com/example/hikvision/Client", "org/dahua/Client", "com/hikvisionapi/Client", "com/netsdk/other/A", "io/github/kaspersky/B"}, "META-INF/MANIFEST.MF", "Manifest-Version: 1.0\nImplementation-Title: hikvision client\nImplementation-Vendor: JetBrains\n\n")),
		bs("java-jna", "trap java", jar("jna-demo.jar", []string{"com/sun/jna/examples/win32/HCNetSDK"})),
		bs("aar-similar", "trap java", aar("x.aar", "com.example.kavsdkdemo", "com/example/kavsdkdemo/Main")),
		bs("apk-similar", "trap java", apk("tok.apk", "com.example.tiktok.downloader", "", "com/example/Main")),
		bs("go-sonic", "trap go", ginProgram),
		bs("go-owner", "trap go", goProgram("github.com/kaspersky/gengine")),
		bs("go-acronym", "trap go", goProgram("github.com/minio/kes")),
	}
}

// ginProgram is a web server as many are: gin brings a JSON library of
// ByteDance, which is not the application that the law names.
func ginProgram(b *bench, dir string) error {
	src, err := b.scratch()
	if err != nil {
		return err
	}
	err = texts(
		"go.mod", "module example.com/web\n\ngo 1.24\n\nrequire github.com/gin-gonic/gin v1.12.0\n",
		"main.go", "package main\n\nimport \"github.com/gin-gonic/gin\"\n\nfunc main() { gin.Default().Run() }\n",
	)(b, src)
	if err != nil {
		return err
	}
	return b.sh(src, "GOFLAGS=-mod=mod CGO_ENABLED=0 go build -tags sonic -o "+dir+"/web .")
}

// innocentImages are containers that talk of the vendors.
func innocentImages() []probe {
	is := func(name, ref string, im scantest.Image) probe {
		return probe{name: name, kind: "trap image", target: "docker-archive:image.tar", build: image(ref, im)}
	}
	env := func(im scantest.Image, vars ...string) scantest.Image { im.Env = vars; return im }
	return []probe{
		is("image-client", "myorg/kaspersky-tip-client:1", layers(layer("RUN pip install kasperskytip opentip", "/etc/x=x"))),
		is("image-kes", "minio/kes:latest", layers(layer("COPY kes /kes", "/kes=x"))),
		is("image-env-words", "", env(layers(layer("RUN x", "/etc/x=x")), "BLOCK=KRAS4D_X", "AV=kaspersky", "NOTKRAS4D_A=1")),
		is("image-history-words", "", layers(layer("RUN curl -s https://example.com/kaspersky.com/list.txt && apt-get install -y kesl-exporter keslint && echo see https://support.kaspersky.com/kes-for-linux/", "/etc/x=x"))),
		is("image-paths", "", layers(layer("COPY", "/opt/kaspersky-exporter/run=x", "/usr/share/doc/kesl/README=x", "/home/x/notes/opt/kaspersky/kesl/readme=x", "/usr/local/hostguardian/x=x",
			"/opt/drweb.community/x=x", "/usr/share/bash-completion/completions/kesl=x", "/etc/systemd/system/kes.service="+unit("/usr/bin/kes"), "/opt/mvs/x=x",
			"/var/lib/dpkg/status="+stanza("kes", "MinIO <x@min.io>")+stanza("console-setup", "x")+stanza("libtrilinos-aztecoo-13.2", "x")+stanza("python3-kaspersky-tools", "x")))),
	}
}
