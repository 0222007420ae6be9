import Posix
import Testing

struct UserInfoTests {
    @Test(arguments: [
        ("http://user:secret@host:1/path", "http://***@host:1/path"),
        ("https://token@host", "https://***@host"),
        ("http://host/a@b?c=d@e", "http://host/a@b?c=d@e"), ("a@b", "a@b"), ("", ""),
        ("http://u:p@w@host/", "http://***@host/"),
        (
            "no route to 'socks5://u:p@proxy' for wss://k@h/x (see http://h/)",
            "no route to 'socks5://***@proxy' for wss://***@h/x (see http://h/)"
        ),
    ])
    func `user names and passwords are taken out of URLs in a text`(
        _ text: String, _ shown: String
    ) { #expect(text.withoutUserInfo == shown) }
}
