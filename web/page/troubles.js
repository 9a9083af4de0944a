// What went wrong, in the page's language: by a problem's type, which never changes. What isn't here, or null, is told in
// the server's own English words.
import { language } from "./i18n.js";

const LANGUAGES = ["en", "zh-Hant", "zh-Hans"];

/** type → [English or null, Traditional Chinese, Simplified Chinese]: what happened, and what to do. */
export const TROUBLES = {
  "audio-empty": [null, "檔案裡沒有聲音。請檢查錄音後重新上傳。", "文件里没有声音。请检查录音后重新上传。"],
  "audio-unreadable": [null, "無法將此檔案解碼為音訊。請上傳 WAV、FLAC、OGG、Opus、MP3、AIFF、M4A、MP4、WebM 或 AMR；其他格式請先轉檔。", "无法将此文件解码为音频。请上传 WAV、FLAC、OGG、Opus、MP3、AIFF、M4A、MP4、WebM 或 AMR；其他格式请先转换。"],
  "audio-not-finite": [null, "音訊含有不是數值的取樣。請重新匯出錄音。", "音频含有不是数值的采样。请重新导出录音。"],
  "audio-too-long": [null, "錄音超過此伺服器接受的長度。請分段上傳，或請管理員提高上限。", "录音超过此服务器接受的长度。请分段上传，或请管理员提高上限。"],
  "audio-too-many-channels": [null, "錄音的聲道太多。請混音為 8 聲道以下。", "录音的声道太多。请混音为 8 声道以下。"],
  "audio-too-heavy": [null, "解碼此檔案所需的記憶體超過上限。請轉成 WAV 或 FLAC 後重新上傳。", "解码此文件所需的内存超过上限。请转成 WAV 或 FLAC 后重新上传。"],
  "audio-gone": [null, "伺服器已不再保存此錄音。請重新上傳。", "服务器已不再保存此录音。请重新上传。"],
  "audio-not-covered": [null, "此錄音未能完整轉寫，是系統的錯誤。請重新上傳，並通知管理員。", "此录音未能完整转写，是系统的错误。请重新上传，并通知管理员。"],
  "fetch-refused": [null, "此伺服器不連往該網址。請使用公開的 http 或 https 網址，或請管理員允許該主機。", "此服务器不连接该网址。请使用公开的 http 或 https 网址，或请管理员允许该主机。"],
  "fetch-not-found": [null, "該網址沒有任何檔案。請檢查網址後再試。", "该网址没有任何文件。请检查网址后再试。"],
  "fetch-denied": [null, "該網址的伺服器不允許下載。請將檔案設為公開，或使用尚未過期的授權網址。", "该网址的服务器不允许下载。请将文件设为公开，或使用尚未过期的授权网址。"],
  "fetch-not-audio": [null, "該網址不是音訊檔。請使用檔案本身的網址，而不是播放它的網頁。", "该网址不是音频文件。请使用文件本身的网址，而不是播放它的网页。"],
  "fetch-too-large": [null, "該網址的檔案太大。請先壓縮成 Opus 或 FLAC，或請管理員提高上限。", "该网址的文件太大。请先压缩成 Opus 或 FLAC，或请管理员提高上限。"],
  "fetch-failed": [null, "無法從該網址取得檔案。請確認網址可用後再試，或直接上傳檔案。", "无法从该网址获取文件。请确认网址可用后再试，或直接上传文件。"],
  "window-too-short": [null, "前後文太長，每段剩下的音訊太少。請加長分段或縮短前後文。", "上下文太长，每段剩下的音频太少。请加长分段或缩短上下文。"],
  "silence-unknown": [null, "此模型無法略過靜音。請不要使用該選項。", "此模型无法跳过静音。请不要使用该选项。"],
  "window-gone": [null, "此錄音的一段資料一再從伺服器消失。請重新上傳；若再發生，請通知管理員。", "此录音的一段数据反复从服务器消失。请重新上传；若再发生，请通知管理员。"],
  "language-unknown": [null, "模型不認得此語言。請不要指定語言，或選擇模型支援的語言。", "模型不认识此语言。请不要指定语言，或选择模型支持的语言。"],
  "timestamps-unknown": [null, "模型無法提供這種時間標記。請改用分段標記，或不要標記。", "模型无法提供这种时间标记。请改用分段标记，或不要标记。"],
  "prepare-crashed": [null, "解碼此檔案時多次失敗，檔案可能已損壞。請轉成 WAV 或 FLAC 後重新上傳。", "解码此文件时多次失败，文件可能已损坏。请转成 WAV 或 FLAC 后重新上传。"],
  "window-crashed": [null, "轉寫其中一段時多次失敗。請將此錄音的編號告訴管理員。", "转写其中一段时多次失败。请将此录音的编号告诉管理员。"],
  "finish-crashed": [null, "寫出逐字稿時多次失敗。請將此錄音的編號告訴管理員。", "写出文字稿时多次失败。请将此录音的编号告诉管理员。"],
  "model-not-served": [null, "沒有工作程序提供所需的模型。請管理員啟動，或改用其他模型。", "没有工作进程提供所需的模型。请管理员启动，或改用其他模型。"],
  "job-failed": [null, "轉寫失敗。請再試一次；若再發生，請將此錄音的編號告訴管理員。", "转写失败。请再试一次；若再发生，请将此录音的编号告诉管理员。"],
  "audio-truncated": [null, "檔案提前結束或已損壞；現有的部分已轉寫。", "文件提前结束或已损坏；现有的部分已转写。"],
  "audio-damaged": [null, "檔案有部分無法解碼；其餘已轉寫，損壞處之後的時間可能偏早。", "文件有部分无法解码；其余已转写，损坏处之后的时间可能偏早。"],
  "audio-clipped": [null, "錄音音量過大而失真，會影響準確度。", "录音音量过大而失真，会影响准确度。"],
  "audio-silent": [null, "錄音是無聲的，可能沒有內容。", "录音是无声的，可能没有内容。"],
  "no-speech": [null, "沒有聽到語音，逐字稿是空的。請確認錄音聽得見，且模型懂得該語言。", "没有听到语音，文字稿是空的。请确认录音听得见，且模型懂得该语言。"],
  "upload-empty": [null, "檔案是空的。請選擇有內容的檔案。", "文件是空的。请选择有内容的文件。"],
  "upload-too-large": [null, "檔案超過此伺服器接受的大小。請壓縮成 Opus 或 FLAC，或請管理員提高上限。", "文件超过此服务器接受的大小。请压缩成 Opus 或 FLAC，或请管理员提高上限。"],
  "unsupported-format": [null, "此檔案不是伺服器能讀取的音訊。請上傳 WAV、FLAC、OGG、Opus、MP3、AIFF、M4A、MP4、WebM 或 AMR。", "此文件不是服务器能读取的音频。请上传 WAV、FLAC、OGG、Opus、MP3、AIFF、M4A、MP4、WebM 或 AMR。"],
  "upload-interrupted": [null, "上傳中途中斷。請再試一次。", "上传中途中断。请再试一次。"],
  "upload-not-found": ["This upload is gone: it rested too long. Choose the file again.", "此上傳已不存在，可能擱置太久。請重新選擇檔案。", "此上传已不存在，可能搁置太久。请重新选择文件。"],
  "upload-locked": ["Another window is sending this file; it goes on when that one stops.", "另一個視窗正在上傳此檔案，待其停止後繼續。", "另一个窗口正在上传此文件，待其停止后继续。"],
  "upload-offset-mismatch": ["The upload lost its place. Choose the file again.", "上傳的位置不符。請重新選擇檔案。", "上传的位置不符。请重新选择文件。"],
  "upload-length-mismatch": ["The file has changed since its upload began. Choose it again.", "檔案在上傳期間改變了。請重新選擇檔案。", "文件在上传期间改变了。请重新选择文件。"],
  "upload-checksum-mismatch": ["A piece arrived damaged. Try again.", "有一段資料在傳送時損壞。請再試一次。", "有一段数据在传送时损坏。请再试一次。"],
  "upload-incomplete": ["The upload isn't complete. Choose the file again.", "上傳尚未完成。請重新選擇檔案。", "上传尚未完成。请重新选择文件。"],
  "url-refused": [null, "此伺服器不連往該網址。請使用公開的 http 或 https 網址，或請管理員允許該主機。", "此服务器不连接该网址。请使用公开的 http 或 https 网址，或请管理员允许该主机。"],
  "too-much-queued": ["Too much of your audio is waiting already. Try again when some of your recordings have begun, or ask the operator for more.", "您等待中的錄音已太多。請待部分開始後再試，或請管理員提高上限。", "您等待中的录音已太多。请待部分开始后再试，或请管理员提高上限。"],
  "quota-used-up": ["Your hours of audio are used up. Wait for the next day or month, or ask the operator for more.", "您的音訊時數已用完。請等到次日或次月，或請管理員增加。", "您的音频时数已用完。请等到次日或次月，或请管理员增加。"],
  "rate-limited": ["Too many requests in a minute. Wait a little.", "一分鐘內的請求太多。請稍候。", "一分钟内的请求太多。请稍候。"],
  "unknown-model": ["No worker serves this model. Ask the operator to start one.", "沒有工作程序提供此模型。請管理員啟動。", "没有工作进程提供此模型。请管理员启动。"],
  "options-conflict": ["These options don't go together, or not with this model. Choose others.", "這些選項無法並用，或不適用於此模型。請改選其他選項。", "这些选项无法并用，或不适用于此模型。请改选其他选项。"],
  "invalid-request": [null, "輸入的內容不正確。請修正後再送出。", "输入的内容不正确。请修正后再提交。"],
  "key-required": ["This server wants an API key. Sign in.", "此伺服器需要 API 金鑰。請登入。", "此服务器需要 API 密钥。请登录。"],
  "key-unknown": ["This API key isn't valid any more. Sign in with another.", "此 API 金鑰已無效。請以其他金鑰登入。", "此 API 密钥已无效。请用其他密钥登录。"],
  "scope-missing": ["Your API key doesn't allow this. Ask the operator for one that does.", "您的 API 金鑰無此權限。請向管理員索取。", "您的 API 密钥没有此权限。请向管理员索取。"],
  "job-not-found": ["There is no such recording; it may have been deleted.", "沒有這個錄音，可能已被刪除。", "没有这个录音，可能已被删除。"],
  "not-retriable": ["Only a recording that failed or was cancelled can be tried again.", "只有失敗或已取消的錄音可以重試。", "只有失败或已取消的录音可以重试。"],
  "transcript-not-ready": ["The transcript isn't there yet. Wait until the recording is done.", "逐字稿尚未完成，請稍候。", "文字稿尚未完成，请稍候。"],
  "job-cancelled": ["The recording was cancelled. Try it again.", "此錄音已取消。請重試。", "此录音已取消。请重试。"],
  "ledger-unavailable": [null, "暫時無法連上工作紀錄。請稍候再試；已接收的錄音不會遺失。", "暂时无法连接任务记录。请稍候再试；已接收的录音不会丢失。"],
  "store-unavailable": [null, "暫時無法使用儲存空間。請稍候再試；已接收的錄音不會遺失。", "暂时无法使用存储空间。请稍候再试；已接收的录音不会丢失。"],
  "store-full": [null, "儲存空間已滿。請稍後再試，並請管理員清出空間。", "存储空间已满。请稍后再试，并请管理员清出空间。"],
  "store-refused": [null, "儲存空間拒絕此伺服器，須由管理員處理。", "存储空间拒绝此服务器，须由管理员处理。"],
  "newer-version": [null, "服務正在升級。請稍候再試；若一直如此，請管理員完成升級。已接收的錄音不會遺失。", "服务正在升级。请稍候再试；若一直如此，请管理员完成升级。已接收的录音不会丢失。"],
  "unavailable": [null, "服務暫時無法使用。請稍候再試；已接收的錄音不會遺失。", "服务暂时无法使用。请稍候再试；已接收的录音不会丢失。"],
  "too-many-held": [null, "伺服器目前的連線已滿。請稍候再試。", "服务器目前的连接已满。请稍候再试。"],
  "object-missing": [null, "伺服器上缺少一個檔案。請再試一次；若再發生，請通知管理員。", "服务器上缺少一个文件。请再试一次；若再发生，请通知管理员。"],
  "internal-error": [null, "系統發生錯誤。請再試一次；若再發生，請通知管理員。", "系统发生错误。请再试一次；若再发生，请通知管理员。"],
};

/** What a problem says to people; `parts` are the members that tell it where only the server's English does. */
export function told(problem, parts = ["title", "detail", "remedy"]) {
  const own = TROUBLES[bare(problem.type)]?.[LANGUAGES.indexOf(language())];
  return own ?? sentences(parts.map((part) => problem[part]));
}

/** The server's English detail, where `told` didn't tell it already and it says more than the title. */
export const aside = (problem) => (TROUBLES[bare(problem.type)]?.[LANGUAGES.indexOf(language())] && problem.detail !== problem.title ? problem.detail : "");

/** A problem's name, without the path that a document puts before it. */
export const bare = (type) => (type || "").split("/").pop();

/** Joined as sentences, each once. */
const sentences = (texts) => [...new Set(texts.filter(Boolean))].map((text) => (/[.!?。]$/.test(text) ? text : `${text}.`)).join(" ");
