package denylist

import (
	"testing"
	"testing/quick"

	"github.com/interdict/interdict/sbom"
)

func TestNormalizeEntity(t *testing.T) {
	for in, want := range map[string]string{
		"Hangzhou Hikvision Digital Technology Co., Ltd.": "hangzhou hikvision digital technology",
		"HANGZHOU HIKVISION DIGITAL TECHNOLOGY CO.,LTD":   "hangzhou hikvision digital technology",
		"AO Kaspersky Lab":              "kaspersky lab",
		"Kaspersky Lab, Inc.":           "kaspersky lab",
		"Ｋａｓｐｅｒｓｋｙ　Ｌａｂ":                 "kaspersky lab",
		"ЗАО «Лаборатория Касперского»": "лаборатория касперского",
		"Закрытое акционерное общество Лаборатория":     "лаборатория",
		"AKTSIONERNOE OBSHCHESTVO POZITIV TEKNOLODZHIZ": "pozitiv teknolodzhiz",
		"海思半导体有限公司":                                     "海思半导体",
		"浙江大华技术股份有限公司":                                  "浙江大华技术",
		"ZTE Corporation":                               "zte corp",
		"ZTE Corp.":                                     "zte corp",
		"ZTE":                                           "zte",
		"Qihoo 360 Software (Beijing) Company Limited":  "qihoo 360 software beijing",
		"Ltd.":                             "",
		"":                                 "",
		"Huawei Technologies Co., Ltd":     "huawei technologies",
		"The Acme Company":                 "acme",
		"Kaspersky Lab Middle-East FZ-LLC": "kaspersky lab middle east",
		"Group-IB LTD":                     "group ib",
		"Doctor Web, Ltd.":                 "doctor web",
		"360互联网安全中心":                       "360 互联网安全中心",
		"Acronis International GmbH":       "acronis international",
		"Limited Liability Company \"Acme Software Company\"": "acme software",
	} {
		if got := normalizeEntity(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// TestNormalizeIsIdempotent, but for the legal form that short names keep.
func TestNormalizeIsIdempotent(t *testing.T) {
	if err := quick.Check(func(s string) bool {
		once := normalizeEntity(s)
		return len(once) < 8 || normalizeEntity(once) == once || len(normalizeEntity(once)) < len(once)
	}, nil); err != nil {
		t.Error(err)
	}
}

func TestEntityNames(t *testing.T) {
	for _, tt := range []struct {
		kind  sbom.Kind
		value string
		want  string
	}{
		{sbom.EntityName, "AO Kaspersky Lab <os@kaspersky.com> (https://kaspersky.com)", "AO Kaspersky Lab"},
		{sbom.PELegalCopyright, "Copyright (c) 1997-2010 Kaspersky Lab ZAO. All rights reserved.", "Kaspersky Lab ZAO."},
		{sbom.PELegalCopyright, "© 2024 АО «Лаборатория Касперского». Все права защищены", "АО «Лаборатория Касперского»."},
		{sbom.X509Subject, "C=RU,O=AO Kaspersky Lab,CN=Root", "AO Kaspersky Lab"},
		{sbom.X509Subject, "/C=CN/O=Huawei Technologies Co., Ltd/CN=x", "Huawei Technologies Co., Ltd"},
		{sbom.CodesignCN, "Developer ID Application: Acronis International GmbH (ZU2TV78AA6)", "Acronis International GmbH"},
		{sbom.ImageLabel, "maintainer=Acme <a@acme.example>", "Acme"},
		{sbom.ImageLabel, "summary=Acme", ""},
	} {
		got := ""
		for name := range entityNames(tt.kind.Info().Name, tt.value) {
			got = name
			break
		}
		if got != tt.want {
			t.Errorf("%s %q: %q, want %q", tt.kind, tt.value, got, tt.want)
		}
	}
}

func FuzzEntity(f *testing.F) {
	f.Add("AO Kaspersky Lab")
	f.Add("O=\"a,b=c\",CN=\\,x")
	f.Add("海思半导体有限公司 Hisilicon, Co., Ltd.")
	f.Fuzz(func(t *testing.T, s string) {
		for style := sbom.NamePlain; style <= sbom.NameLabel; style++ {
			for name := range entityNames(style, s) {
				normalizeEntity(name)
			}
		}
		attributes(s)
	})
}
