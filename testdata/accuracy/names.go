package main

import "strings"

// prefixed puts a prefix before words: prefixed("NET_DVR_", "Init Cleanup").
func prefixed(prefix, words string) []string {
	var out []string
	for w := range strings.FieldsSeq(words) {
		out = append(out, prefix+w)
	}
	return out
}

// Interfaces of the vendors' libraries, as public bindings to them declare them.
var (
	hikNet = prefixed("NET_DVR_", `Init Cleanup SetSDKInitParam SetConnectTime SetReconnect GetLastError GetErrorMsg
		Login_V30 Login_V40 Logout Logout_V30 RealPlay RealPlay_V30 RealPlay_V40 StopRealPlay SaveRealData StopSaveRealData
		CapturePicture PTZControl PTZControl_Other PTZPreset FindFile_V30 FindNextFile_V30 FindClose_V30 PlayBackByName
		PlayBackControl StopPlayBack GetFileByName StopGetFile GetDVRConfig SetDVRConfig SetDVRMessageCallBack_V31
		SetupAlarmChan_V41 CloseAlarmChan_V30 StartListen_V30 StopListen_V30 RebootDVR ShutDownDVR RemoteControl
		GetSDKVersion GetSDKBuildVersion SetLogToFile STDXMLConfig StartRemoteConfig StopRemoteConfig`)
	hikPlayer = prefixed("PlayM4_", `GetPort FreePort SetStreamOpenMode OpenStream CloseStream InputData Play Stop Pause
		SetDecCallBack SetDisplayBuf GetSdkVersion GetLastError GetBMP GetJPEG GetPictureSize SetVolume PlaySound StopSound Fast Slow`)
	hikRuntime = prefixed("HPR_", `Init InitEx Fini MutexCreate MutexDestroy MutexLock MutexUnlock Thread_Create Thread_Wait
		ThreadDetached_Create SemCreate SemDestroy SemPost SemWait CondCreate CondDestroy CondSignal AtomicInc AtomicDec
		CreateSocket CloseSocket Bind Listen Accept Connect Send Recv OpenFile CloseFile ReadFile WriteFile Sleep GetTimeTick`)
	hikISUP = append(prefixed("NET_ECMS_", `Init Fini StartListen StopListen GetLastError SetSDKLocalCfg GetDevConfig
		SetDevConfig RemoteControl StartGetRealStream StopGetRealStream XMLConfig ForceLogout`),
		prefixed("NET_ESTREAM_", "Init Fini StartListenPreview StopListenPreview GetLastError StopPreview")...)
	hikHTTP = append(prefixed("NET_HTTPCLIENT_", "Create Destroy SetParam Request"),
		append(prefixed("NET_HTTPSERVER_", "Create Destroy Start"), prefixed("NET_SMTPCLIENT_", "Create Send Destroy")...)...)
	dahuaNet = prefixed("CLIENT_", `Init Cleanup InitEx SetAutoReconnect Login LoginEx LoginEx2 LoginWithHighLevelSecurity Logout
		RealPlay RealPlayEx StopRealPlay StopRealPlayEx SaveRealData GetLastError GetSDKVersion QueryDevState GetDevConfig
		SetDevConfig StartListenEx StopListen SetDVRMessCallBack PlayBackByTime StopPlayBack FindFile FindNextFile FindClose
		DHPTZControl DHPTZControlEx CapturePicture RealLoadPictureEx StopLoadPic QuerySystemInfo AttachEventStart`)
	dahuaPlayer = prefixed("PLAY_", `GetFreePort ReleasePort SetStreamOpenMode OpenStream CloseStream InputData Play Stop
		SetDecCallBack SetDecCBStream CatchPic CatchPicEx GetLastError GetSdkVersion Pause Fast Slow PlaySound StopSound`)
	hisilicon = prefixed("HI_MPI_", `SYS_Init SYS_Exit SYS_Bind SYS_UnBind SYS_GetVersion VB_Init VB_Exit VB_SetConf
		VI_SetDevAttr VI_EnableDev VI_EnableChn VPSS_CreateGrp VPSS_StartGrp VENC_CreateChn VENC_StartRecvFrame VENC_GetStream
		VENC_ReleaseStream VO_Enable AI_Enable AO_Enable ISP_Init ISP_Run IVE_Sobel`)
	huaweiOBS = []string{"obs_initialize", "obs_deinitialize", "init_obs_options", "put_object", "get_object", "delete_object",
		"list_bucket_objects", "create_bucket", "initialize_break_point_lock", "deinitialize_break_point_lock", "upload_file", "download_file"}
	qihooJiagu = []string{"JNI_OnLoad", "jiagu_init", "jiagu_load", "_Z9jiagu_runv"}
)

// Mangled names of C++ functions (Itanium C++ ABI, section 5.1).
var dahuaClasses = []string{
	"_ZN5Dahua3NetFramework7CNetObj5closeEv", "_ZN5Dahua12NetFramework9CSockTcp4sendEPKcj", "_ZN5Dahua12NetFramework7CSocket4openEv",
	"_ZN5Dahua5Infra7CThread12createThreadEv", "_ZN5Dahua5Infra6CMutex5enterEv", "_ZN5Dahua9StreamSvr11CRtspClient5startEv",
	"_ZN5Dahua12StreamParser11CFileParser4initEv", "_ZTVN5Dahua5Infra7CThreadE",
}
