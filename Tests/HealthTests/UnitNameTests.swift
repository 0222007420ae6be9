import Testing

@testable import Stage

/// What a stage is called that systemd starts.
struct UnitNameTests {
    @Test(
        arguments: [
            ("0::/system.slice/sbe-tap.service\n", "sbe-tap"),
            ("0::/system.slice/system-sbe\\x2dtap.slice/sbe-tap@btc.service\n", "btc"),
            ("1:name=systemd:/system.slice/dedup@a@b.service\n0::/\n", "a@b"),
            (
                "0::/user.slice/user-0.slice/user@0.service/app.slice/live.service\n", "live"
            ),
            ("0::/system.slice/x@.service\n", "x@"),
            ("0::/user.slice/user-1000.slice/session-3.scope\n", nil), ("0::/\n", nil), ("", nil),
            ("0::/system.slice/.service\n", nil),
        ] as [(String, String?)])
    func `the name is its unit's, or what follows the sign in it`(text: String, name: String?) {
        #expect(SystemdUnit.instance(cgroups: text) == name)
    }
}
