package main

import (
	"slices"

	"github.com/interdict/interdict/denylist"
)

const review = denylist.Review

// vendorLibraries are libraries without signature and mostly without version
// information: their interface, and what they call themselves, is all there is.
func vendorLibraries() []probe { return slices.Concat(windowsLibraries(), elfLibraries()) }

func windowsLibraries() []probe {
	ps := func(vendor, name string, p pe) probe {
		return probe{name: name, kind: "pe", vendor: vendor, build: p.build}
	}
	return []probe{
		ps("hikvision", "hik-sdk-dll", pe{name: "HCNetSDK.dll", library: "HCNetSDK.dll", exports: hikNet}),
		ps("hikvision", "hik-sdk-dll-32", pe{name: "HCNetSDK.dll", library: "HCNetSDK.dll", exports: hikNet, x86: true}),
		ps("hikvision", "hik-sdk-renamed", pe{name: "net.bin", library: "HCNetSDK.dll", exports: hikNet}),
		ps("hikvision", "hik-sdk-other-name", pe{name: "camera.dll", library: "camera.dll", exports: hikNet[:12]}),
		ps("hikvision", "hik-core", pe{name: "HCCore.dll", library: "HCCore.dll", exports: []string{"CORE_Init", "CORE_Fini"}}),
		ps("hikvision", "hik-core-empty-info", pe{name: "HCCore.dll", library: "HCCore.dll", exports: []string{"CORE_Init"},
			info: map[string]string{"FileVersion": "6.1.9.4", "LegalCopyright": "Copyright (C) 2019"}}),
		ps("hikvision", "hik-player-dll", pe{name: "PlayCtrl.dll", library: "PlayCtrl.dll", exports: hikPlayer}),
		ps("hikvision", "hik-player-few", pe{name: "PlayCtrl.dll", library: "PlayCtrl.dll", exports: hikPlayer[:4], pdb: `D:\HCNetSDK\VS2013\lib\PlayCtrl.pdb`}),
		ps("hikvision", "hik-runtime-dll", pe{name: "hpr.dll", library: "hpr.dll", exports: hikRuntime}),
		ps("hikvision", "hik-isup-dll", pe{name: "HCISUPCMS.dll", library: "HCISUPCMS.dll", exports: hikISUP}),
		ps("hikvision", "hik-pdb", pe{name: "HCAlarm.dll", library: "HCAlarm.dll", exports: []string{"Interim_SetupAlarm"}, pdb: `E:\Code\HCNetSDK\VS2013\lib\HCNetSDKCom\HCAlarm.pdb`}),
		ps("hikvision", "hik-component", pe{name: "HCNetSDKCom/HCPreview.dll", library: "HCPreview.dll", exports: []string{"Interim_Preview"}}),
		ps("hikvision", "hik-company", pe{name: "HttpUtillib.dll", library: "HttpUtillib.dll", exports: []string{"HTTPUTIL_Get", "HTTPUTIL_Post", "HTTPUTIL_GetLastStatus"},
			info: map[string]string{"CompanyName": "Hangzhou Hikvision Digital Technology Co., Ltd.", "ProductName": "HttpUtil"}}),
		ps("dahua", "dahua-sdk-dll", pe{name: "dhnetsdk.dll", library: "dhnetsdk.dll", exports: dahuaNet, info: map[string]string{"CompanyName": "", "FileVersion": "3.3.9.6778"}}),
		ps("dahua", "dahua-sdk-renamed", pe{name: "vms.dat", library: "netsdk.dll", exports: dahuaNet}),
		ps("dahua", "dahua-names-rival", pe{name: "dhnetsdk.dll", library: "dhnetsdk.dll", exports: dahuaNet, text: []string{"HIKVISION", "Hangzhou Hikvision Digital Technology", "HUAWEI"}}),
		ps("dahua", "dahua-player-dll", pe{name: "dhplay.dll", library: "dhplay.dll", exports: dahuaPlayer}),
		ps("dahua", "dahua-company", pe{name: "Infra.dll", library: "Infra.dll", exports: []string{"?open@CSocket@NetFramework@Dahua@@QAEHXZ", "?close@CThread@Infra@Dahua@@QAEHXZ"},
			info: map[string]string{"CompanyName": "Dahua Tech", "ProductName": "NetSDK"}}),
		ps("dahua", "dahua-cxx-dll", pe{name: "StreamSvr.dll", library: "StreamSvr.dll", exports: []string{"?start@CRtspClient@StreamSvr@Dahua@@QEAAHXZ", "?open@CSock@NetFramework@Dahua@@QEAAHXZ"}}),
		ps("huawei", "hisilicon-dll", pe{name: "hi_h264dec_w.dll", library: "hi_h264dec_w.dll", exports: []string{"Hi264DecCreate", "Hi264DecFrame"},
			info: map[string]string{"CompanyName": "海思半导体有限公司 Hisilicon, Co., Ltd.", "LegalCopyright": "(C) Hisilicon 2011", "ProductName": "H.264 Decoder"}}),
		ps("huawei", "obs-dll", pe{name: "eSDKOBS.dll", library: "eSDKOBS.dll", exports: huaweiOBS}),
		ps("huawei", "obs-dll-renamed", pe{name: "storage.dll", library: "storage.dll", exports: huaweiOBS}),
		{name: "hik-import-library", kind: "archive", vendor: "hikvision", build: importLibrary("HCNetSDK.lib", "HCNetSDK.dll", hikNet)},
		{name: "dahua-import-library", kind: "archive", vendor: "dahua", build: importLibrary("dhnetsdk.lib", "dhnetsdk.dll", dahuaNet)},
	}
}

func elfLibraries() []probe {
	es := func(vendor, name string, e elf) probe {
		return probe{name: name, kind: "elf", vendor: vendor, build: e.build}
	}
	return []probe{
		es("hikvision", "hik-sdk-so", elf{name: "libhcnetsdk.so", exports: hikNet}),
		es("hikvision", "hik-sdk-so-soname", elf{name: "libsdk.so.6", soname: "libhcnetsdk.so", exports: hikNet[:2]}),
		es("hikvision", "hik-core-so", elf{name: "libHCCore.so", soname: "libHCCore.so", exports: []string{"CORE_Init"}}),
		es("hikvision", "hik-core-so-bare", elf{name: "libHCCore.so", exports: append([]string{"CORE_Init"}, hikRuntime[:18]...)}),
		es("hikvision", "hik-player-so", elf{name: "libPlayCtrl.so", exports: hikPlayer}),
		es("hikvision", "hik-player-so-renamed", elf{name: "libdec.so", exports: hikPlayer}),
		es("hikvision", "hik-runtime-so", elf{name: "libhpr.so", exports: hikRuntime}),
		es("hikvision", "hik-runtime-cxx", elf{name: "libos.so", exports: []string{"_Z15HPR_MutexCreateP10HPR_MUTEX_Ti", "_Z13HPR_MutexLockP10HPR_MUTEX_T", "_Z17HPR_Thread_CreatePFPvS_ES_jiii",
			"_Z13HPR_SemCreatePii", "_Z10HPR_InitExv", "_Z13HPR_AtomicIncPVi", "_Z14HPR_CondCreatePi", "_Z8HPR_Initv", "_Z8HPR_Finiv", "_Z9HPR_Sleepj",
			"_Z8HPR_SendiPvi", "_Z8HPR_RecviPvi", "_Z8HPR_Bindi", "_Z10HPR_Listeni", "_Z10HPR_Accepti", "_Z11HPR_Connecti"}}),
		es("hikvision", "hik-isup-so", elf{name: "libHCISUPCMS.so", exports: hikISUP}),
		es("hikvision", "hik-static", elf{name: "libhcnetsdk.a", exports: hikNet}),
		es("hikvision", "hik-http-so", elf{name: "libHCNetUtils.so", soname: "libHCNetUtils.so", exports: hikHTTP}),
		es("hikvision", "hik-trace", elf{name: "libCsfTraceChain.so", soname: "libCsfTraceChain.so", exports: []string{"_ZN13CsfTraceChain4openEv", "_ZN17CsfTraceChainImpl5closeEv"}}),
		es("hikvision", "hik-legal-string", elf{name: "libHCAlarm.so", exports: []string{"Interim_Alarm"}, text: []string{"Copyright HANGZHOU HIKVISION DIGITAL TECHNOLOGY CO.,LTD"}}),
		es("dahua", "dahua-sdk-so", elf{name: "libdhnetsdk.so", exports: dahuaNet}),
		es("dahua", "dahua-sdk-so-renamed", elf{name: "libvideo.so", exports: dahuaNet}),
		es("hikvision", "hik-part-namespace", elf{name: "libHCAlarm.so", exports: []string{"_ZN6NetSDK28Interim_SimpleCommandToDvrExEijPvjjRS0_RjP21tagSimpleCmdToDevCond", "_ZN6NetSDK13CAlarmSession5StartEv"}, imports: []string{"Core_SimpleCommandToDvr"}}),
		es("hikvision", "hik-core-commands", elf{name: "libHCCore.so", exports: []string{"Core_SimpleCommandToDvr", "Core_SimpleCommandToDvrEx", "Core_SimpleSTDCommandToDVR"}}),
		es("hikvision", "hik-alarm-server", elf{name: "libHCISUPSS.so", exports: prefixed("NET_ESS_", "Init Fini StartListen StopListen SetSDKInitCfg ClientSetParam")}),
		{name: "hik-converter", kind: "elf", vendor: "hikvision", level: review, build: elf{name: "libSystemTransform.so", exports: prefixed("SYSTRANS_", "Create Start Stop Release InputData RegisterOutputDataCallBack")}.build},
		{name: "hikrobot", kind: "elf", vendor: "hikvision", level: review, build: elf{name: "libMvCameraControl.so", exports: prefixed("MV_CC_", "EnumDevices CreateHandle DestroyHandle OpenDevice CloseDevice StartGrabbing")}.build},
		{name: "dahua-stripped", kind: "elf", vendor: "dahua", level: review, build: elf{name: "libapp.so", text: []string{"N5Dahua5Infra7CThreadE", "N5Dahua12NetFramework7CSocketE"}}.build},
		{name: "dahua-stripped-dll", kind: "pe", vendor: "dahua", level: review, build: pe{name: "app.dll", text: []string{".?AVCThread@Infra@Dahua@@"}}.build},
		es("huawei", "hisilicon-stb", elf{name: "libhi_msp.so", exports: prefixed("HI_UNF_", "AVPLAY_Init AVPLAY_Create AVPLAY_Start AVPLAY_Stop DMX_Init DMX_Open VO_Init VO_Open SND_Init SND_Open DISP_Init DISP_Open")}),
		es("huawei", "hisilicon-new", elf{name: "libss_mpi.a", exports: prefixed("ss_mpi_", "sys_init sys_exit sys_bind vb_init vb_exit vi_create_pipe vi_start_pipe vpss_create_grp venc_create_chn isp_init isp_exit isp_run")}),
		es("dahua", "dahua-cxx-so", elf{name: "libStreamSvr.so", exports: dahuaClasses}),
		es("dahua", "dahua-cxx-plain", elf{name: "libInfra.so", exports: []string{"_ZN5Dahua5Infra7CThread12createThreadEv", "_ZN5Dahua5Infra6CMutex5enterEv"}}),
		es("dahua", "dahua-player-so", elf{name: "libdhplay.so", exports: dahuaPlayer}),
		es("dahua", "dahua-config-so", elf{name: "libdhconfigsdk.so", soname: "libdhconfigsdk.so", exports: []string{"CLIENT_ParseData", "CLIENT_PacketData"}}),
		{name: "dahua-config-bare", kind: "elf", vendor: "dahua", level: review, build: elf{name: "libdhconfigsdk.so", exports: []string{"CLIENT_ParseData", "CLIENT_PacketData"}}.build},
		es("dahua", "dahua-legal-string", elf{name: "libdhdvr.so", exports: []string{"dvr_open"}, text: []string{"ZheJiang Dahua Technology Stock CO.LTD."}}),
		es("huawei", "hisilicon-so", elf{name: "libmpi.so", exports: hisilicon}),
		es("huawei", "hisilicon-static", elf{name: "libmpi.a", exports: hisilicon}),
		{name: "hisilicon-kmod", kind: "kmod", vendor: "huawei", level: review, build: elf{name: "hi_osal.ko", modinfo: []string{"author=Hisilicon", "license=Proprietary", "name=hi_osal", "vermagic=4.9.37 SMP"}}.build},
		{name: "hisilicon-kmod-gpl", kind: "kmod", vendor: "huawei", level: review, build: elf{name: "hi3516_isp.ko", modinfo: []string{"author=Hisilicon", "description=ISP", "license=GPL", "name=hi3516_isp", "vermagic=4.9.37 SMP"}}.build},
		es("huawei", "obs-so", elf{name: "libeSDKOBS.so", exports: huaweiOBS}),
		{name: "securec-so", kind: "elf", vendor: "huawei", level: review, build: elf{name: "libsecurec.so", exports: []string{"memcpy_s", "strcpy_s"}, text: []string{"Huawei Secure C V100R001C01SPC005"}}.build},
		es("qihoo-360", "jiagu-so", elf{name: "libjiagu.so", exports: qihooJiagu}),
		es("qihoo-360", "jiagu-so-64", elf{name: "libjiagu_x64.so", exports: qihooJiagu, text: []string{".jiagu"}}),
		{name: "zte-string", kind: "elf", vendor: "zte", level: review, build: elf{name: "libztedec.so", exports: []string{"dec_open"}, text: []string{"Copyright ZTE Corperation"}}.build},
		{name: "zte-kmod", kind: "kmod", vendor: "zte", level: review, build: elf{name: "tpm_drv.ko", modinfo: []string{"author=ZTE Corperation", "license=Proprietary", "name=tpm_drv"}}.build},
	}
}
