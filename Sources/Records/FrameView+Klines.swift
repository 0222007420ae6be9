import Identity

extension FrameView {
    /// True for a kline that does not begin where its interval does, as the venue has some of its
    /// early days: another one may be in the same interval, so its own id identifies it.
    public var sharesItsInterval: Bool {
        guard template == RecordKind.kline.rawValue, let interval = KlineInterval(code: series)
        else { return false }
        return interval.bucket(of: firstID).lowerBound != firstID
    }
}
