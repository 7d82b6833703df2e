package main

func info(company, product, copyright string) map[string]string {
	m := map[string]string{"FileVersion": "12.0.0.1011", "CompanyName": company}
	if product != "" {
		m["ProductName"] = product
	}
	if copyright != "" {
		m["LegalCopyright"] = copyright
	}
	return m
}

const (
	kasperskyAO  = "AO Kaspersky Lab"
	kasperskyJSC = "Kaspersky Lab JSC"
	qihooBeijing = "Beijing Qihu Technology Co., Ltd."
	qihooSoft    = "Qihoo 360 Software (Beijing) Company Limited"
	hikSystem    = "Hangzhou Hikvision system technology Co. Ltd."
	huaweiTech   = "Huawei Technologies Co., Ltd."
	acronisGmbH  = "Acronis International GmbH"
	microsoft    = "Microsoft Corporation"
)

// vendorSigned are programs whose signature says who made them, first or
// nested, with version information or without.
func vendorSigned() []probe {
	ss := func(vendor, name string, p pe, sigs ...signature) probe {
		return probe{name: name, kind: "pe signed", vendor: vendor, build: signed(p, sigs...)}
	}
	by := func(name string, args ...string) signature { return signature{name, args} }
	plain := func(name string) pe { return pe{name: name} }
	hardware := by(microsoft, "-h", "sha256", "-n", "Microsoft Windows Hardware Compatibility Publisher")
	return []probe{
		ss("kaspersky", "klif-nested", pe{name: "klif.sys", pdb: `C:\a\c\d_00000000\b\klif\x64\klif.pdb`, info: info(kasperskyAO, "Kaspersky Anti-Virus", "© 2023 AO Kaspersky Lab")},
			hardware, by(kasperskyAO, "-h", "sha256", "-n", "klif.sys", "-i", "https://www.kaspersky.com")),
		ss("kaspersky", "klif-nested-bare", plain("driver.bin"), hardware, by(kasperskyJSC, "-h", "sha256", "-n", "Kaspersky Lab JSC")),
		ss("kaspersky", "kaspersky-program", pe{name: "AVP.EXE", info: info(kasperskyAO, "Kaspersky Endpoint Security", "© 2024 AO Kaspersky Lab")}, by(kasperskyAO)),
		ss("kaspersky", "kaspersky-renamed", plain("update.dat"), by(kasperskyJSC)),
		ss("kaspersky", "kaspersky-module", plain("scan.ppl"), by(kasperskyAO)),
		ss("qihoo-360", "qihoo-program", pe{name: "360Tray.exe", x86: true, info: info("360.cn", "360安全卫士", "(C) 360.cn Inc. All Rights Reserved.")}, by(qihooBeijing)),
		ss("qihoo-360", "qihoo-software", plain("safe.dll"), by(qihooSoft)),
		ss("qihoo-360", "qihoo-base", pe{name: "360Base.dll", info: info("360.CN", "", "")}, by(qihooBeijing)),
		ss("qihoo-360", "qihoo-driver", plain("360Box64.sys"), hardware, by(qihooSoft, "-h", "sha256")),
		ss("hikvision", "hik-signed", plain("Http_ApiDemo.exe"), by(hikSystem)),
		ss("hikvision", "hik-signed-renamed", plain("tool.exe"), by(hikSystem)),
		ss("huawei", "huawei-edr", plain("EdrDriver.sys"), by(huaweiTech)),
		ss("huawei", "huawei-audio", pe{name: "HwOs2Ec10x64.sys", info: info("Huawei Technologies Co., Ltd.", "HwOs2Ec", "")}, by(huaweiTech)),
		ss("acronis", "acronis-driver", pe{name: "file_protector.sys", info: info(acronisGmbH, "Acronis Active Protection", "Copyright (C) 2003-2023 Acronis International GmbH.")}, by(acronisGmbH)),
		ss("acronis", "acronis-program", plain("mms.exe"), by(acronisGmbH)),
		ss("doctor-web", "drweb-driver", plain("dwprot.sys"), by("Doctor Web Ltd.")),
		ss("group-ib", "gib-driver", plain("gibepcore.sys"), by("Group-IB LTD")),
	}
}

// vendorResources are unsigned programs that name their maker in the version
// resource, or a product of one in their own name.
func vendorResources() []probe {
	rs := func(vendor, name string, p pe) probe {
		return probe{name: name, kind: "pe resource", vendor: vendor, build: p.build}
	}
	weak := func(vendor, name string, p pe) probe {
		return probe{name: name, kind: "pe resource", vendor: vendor, level: review, build: p.build}
	}
	return []probe{
		rs("qihoo-360", "qihoo-cn-security", pe{name: "safewrapper.dll", info: info("360互联网安全中心", "360杀毒", "")}),
		rs("qihoo-360", "qihoo-cn-upper", pe{name: "360Base.dll", info: info("360.CN", "360安全卫士", "")}),
		rs("qihoo-360", "qihoo-cn-only", pe{name: "util.dll", info: info("360.cn", "", "")}),
		weak("qihoo-360", "qihoo-cn-limited", pe{name: "qex.dll", info: info("QIHU 360 SOFTWARE CO. LIMITED", "", "")}),
		weak("qihoo-360", "qihoo-cn-center", pe{name: "w.dll", info: info("360安全中心", "", "")}),
		weak("qihoo-360", "qihoo-cn-copyright", pe{name: "c.dll", info: info("", "", "(C) 360.cn Inc. All Rights Reserved.")}),
		weak("qihoo-360", "qihoo-defence", pe{name: "QHActiveDefense.exe"}),
		rs("kaspersky", "klif-named", pe{name: "klif.sys", info: info(kasperskyAO, "Kaspersky Anti-Virus", "© 2021 AO Kaspersky Lab")}),
		rs("kaspersky", "klif-by-pdb", pe{name: "klif.sys", pdb: `D:\build\klif.pdb`}),
		weak("kaspersky", "klif-by-pdb-renamed", pe{name: "flt.bin", pdb: `D:\build\klif.pdb`}),
		weak("kaspersky", "kaspersky-zao", pe{name: "scan.dll", info: info("Kaspersky Lab ZAO", "", "")}),
		weak("kaspersky", "kaspersky-russian", pe{name: "ru.dll", info: info(`АО "Лаборатория Касперского"`, "Kaspersky Endpoint Security", "")}),
		rs("kaspersky", "prague", pe{name: "prremote.dll", library: "prremote.dll", exports: []string{"PRGetAPI", "PRCreate"}}),
		weak("kaspersky", "prague-renamed", pe{name: "av.dll", library: "av.dll", exports: []string{"PRGetAPI"}}),
		rs("kaspersky", "engine-host", pe{name: "kavehost.exe", info: info("AO Kaspersky Lab", "", "© 2019 AO Kaspersky Lab")}),
		weak("kaspersky", "driver-name", pe{name: "KLWTP.SYS"}),
		weak("acronis", "acronis-copyright", pe{name: "fmt.dll", info: info("Acronis International GmbH", "Acronis Cyber Protect", "Copyright (C) 2003-2023 Acronis International GmbH.")}),
		weak("doctor-web", "drweb-company", pe{name: "dwengine.dll", info: info("Doctor Web, Ltd.", "Dr.Web Engine", "© Doctor Web, 1992-2023")}),
		rs("doctor-web", "drweb-driver-named", pe{name: "dwprot.sys", info: info("Doctor Web, Ltd.", "Dr.Web Protection", "")}),
		weak("positive-technologies", "pt-driver", pe{name: "mpxmon.sys"}),
		weak("positive-technologies", "pt-company", pe{name: "scan.exe", info: info("Positive Technologies", "MaxPatrol", "")}),
		rs("group-ib", "gib-company", pe{name: "gibepcore.sys", info: info("Group-IB LTD", "", "")}),
		weak("zte", "zte-company", pe{name: "modem.exe", info: info("ZTE Corporation", "Join Air", "")}),
		weak("hytera", "hytera-company", pe{name: "cps.exe", info: info("Hytera Communications Corporation Limited", "CPS", "")}),
		weak("huawei", "huawei-company", pe{name: "mt.exe", info: info("Huawei Technologies Co., Ltd.", "Mobile Partner", "")}),
		weak("hikvision", "hik-company-only", pe{name: "iVMS.exe", info: info("HANGZHOU HIKVISION DIGITAL TECHNOLOGY CO.,LTD.", "iVMS-4200", "")}),
		weak("dahua", "dahua-company-only", pe{name: "play.exe", info: info("Zhejiang Dahua Technology Co.,Ltd", "SmartPSS", "")}),
		weak("hikvision", "hik-openssl", pe{name: "libeay32.dll", library: "LIBEAY32.dll", exports: []string{"SSLeay"}, pdb: `D:\HCNetSDK\openssl\out32dll\libeay32.pdb`,
			info: info("The OpenSSL Project, http://www.openssl.org/", "The OpenSSL Toolkit", "")}),
	}
}
