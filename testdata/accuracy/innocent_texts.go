package main

// innocentTexts are data and documents that name the vendors.
func innocentTexts() []probe {
	ts := func(name string, pairs ...string) probe {
		return probe{name: name, kind: "trap text", build: texts(pairs...), files: len(pairs) / 2}
	}
	return append(innocentImages(), []probe{
		ts("declaration", "NOTICE", "Section 889: the offeror does NOT use equipment or services from Huawei Technologies Company, ZTE Corporation, Hytera Communications Corporation, Hangzhou Hikvision Digital Technology Company or Dahua Technology Company.\n"),
		ts("rules", "kesl.yml", "title: Kaspersky Endpoint Security Stopped\nlogsource: {product: linux}\ndetection:\n  selection: {CommandLine|contains: ['stop', 'kesl']}\n",
			"av.yar", "rule Kaspersky_Driver { meta: author = \"AO Kaspersky Lab\" strings: $a = \"klif.sys\" $b = \"NET_DVR_Init\" condition: all of them }\n",
			"drivers.yaml", "- Company: Huawei Technologies Co., Ltd.\n  OriginalFilename: HwOs2Ec10x64.sys\n- Company: 360.cn\n"),
		ts("tables", "oui.txt", "00-40-48   (hex)\t\tHangzhou Hikvision Digital Technology Co.,Ltd.\n3C-EF-8C   (hex)\t\tZhejiang Dahua Technology Co., Ltd.\nBeijing Autelan Technology Inc.\n",
			"enterprises.tsv", "23668\tKaspersky Lab ZAO\n", "manuf", "2C:C4:4F:90/28\tKaspersky\tKaspersky Lab Middle-East FZ-LLC\n", "usb.ids", "12d1  Huawei Technologies Co., Ltd.\n19d2  ZTE WCDMA Technologies MSM\n", "pci.ids", "19e5  Huawei Technologies Co., Ltd.\n"),
		ts("mail-filter", "amavisd.conf", "['KasperskyLab AVP - aveclient', ['/usr/local/kav/bin/aveclient','/opt/kav/5.5/kav4mailservers/bin/aveclient'], '-p /var/run/aveserver -s {}/*'],\n['Kaspersky Antivirus for File Servers', '/opt/kaspersky/kav4fs/bin/kav4fs-kavscanner'],\n"),
		ts("block-lists", "kaspersky", "kaspersky.com\nkaspersky-labs.com\ngeo.kaspersky.com\n", "category-antivirus", "drweb.com\nhikvision.com\n", "hosts", "0.0.0.0 ksn.kaspersky-labs.com\n"),
		ts("kes-unit", "kes.service", unit("/usr/local/bin/kes server"), "kesl-notes.md", "# kesl\nInstall kesl with dpkg -i kesl_12.1.0_amd64.deb\n"),
		ts("dockerfile", "Dockerfile", "FROM oraclelinux:9\nARG SRVC_DIR=/root/kesl-service\nENV KRAS4D_X=1\n"),
		ts("importers", "import.py", "# converts Kaspersky Password Manager exports\nFIELDS = ['Kaspersky Lab']\n", "csv/kpm.txt", "Websites\n\nWebsite name: kaspersky.com\n"),
		ts("data-names", "klif.sys", "this is a text about klif.sys\n", "HCNetSDK.dll.txt", "NET_DVR_Init\n", "libhcnetsdk.so", "a linker script? no: words\n", "voice.avc", "AppleVoice\n", "base.kdc", "x\n", "libjiagu.txt", "x"),
		ts("headers", "HCNetSDK.h", "NET_DVR_API BOOL __stdcall NET_DVR_Init();\n", "hi_mpi.h", "HI_S32 HI_MPI_SYS_Init(HI_VOID);\n", "vulkan.h", "#define VK_HUAWEI_subpass_shading 1\n"),
		ts("lists", "all_logs_list.json", `{"operators":[{"name":"Qihoo 360","email":["x@360.cn"]},{"name":"Beijing Qihu Technology Co., Ltd."}]}`, "virustotal.json", `{"scans":{"Kaspersky":{"detected":false},"DrWeb":{},"Qihoo-360":{},"Huawei":{}}}`),
		ts("npm-similar", "a/package.json", `{"name":"hikvision-api","version":"1.0.0","author":"ChenLuo"}`, "b/package.json", `{"name":"@aztec/sdk","version":"1.0.0"}`, "c/package.json", `{"name":"360-image-viewer","version":"1.0.0"}`,
			"d/package.json", `{"name":"console-consolidate","version":"1.0.0","author":"Dahua Lin"}`, "e/package.json", `{"name":"opentip","version":"1.0.0","homepage":"https://opentip.kaspersky.com/","description":"unofficial Kaspersky client"}`,
			"f/package.json", `{"name":"acronis-client","version":"1.0.0","homepage":"https://developer.acronis.com/","author":"someone"}`),
		ts("python-similar", "kasperskytip-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: kasperskytip\nVersion: 1.0\nAuthor: x\n\n", "jiagu-0.2.3.dist-info/METADATA", "Metadata-Version: 2.1\nName: jiagu\nVersion: 0.2.3\nAuthor: x\n\n",
			"hikvisionapi-0.3.2.dist-info/METADATA", "Metadata-Version: 2.1\nName: hikvisionapi\nVersion: 0.3.2\nHome-page: https://github.com/x/hikvisionapi\n\n", "pyacronis-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: pyacronis\nVersion: 1.0\n\n"),
		{name: "test-fixture-certificate", kind: "trap text", level: review, build: shell(`openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 99 -keyout /dev/null -out ca.pem -subj "/O=AO Kaspersky Lab/CN=Kaspersky Anti-Virus Personal Root Certificate" 2>/dev/null`)},
	}...)
}
