using Caracal.Authority.Approvals;
using Caracal.ControlPlane.Http;
using Caracal.Protocol;

namespace Caracal.ControlPlane.NotificationSinks;

/// <summary>The members of a sink's body.</summary>
internal sealed class SinkFields
{
    private readonly Fields _fields;

    public SinkFields(ApiCall call, bool creating)
    {
        _fields = call.Strict(ControlPlaneErrors.InvalidSink);
        Name = creating ? _fields.Text("name", 1, 120, trim: true) : _fields.OptionalText("name", 1, 120, trim: true);
        Url = creating ? _fields.Text("url", 1, 2048, trim: true) : _fields.OptionalText("url", 1, 2048, trim: true);
        EventTypes = _fields.Texts("event_types", 1, NotificationRules.EventTypes.Count, 1, 64);
        Active = creating ? null : _fields.Flag("active");
        if (EventTypes is not null && (EventTypes.Except(NotificationRules.EventTypes).Any() || EventTypes.Distinct().Count() != EventTypes.Length))
        {
            _fields.Note("event_types", "names an event that sinks do not get, or names one twice");
        }
    }

    public string? Name { get; }

    public string? Url { get; }

    public string[]? EventTypes { get; }

    public bool? Active { get; }

    public bool IsEmpty => Name is null && Url is null && EventTypes is null && Active is null;

    public Answer? Problem(SinkPlaces places) =>
        _fields.Problem()
        ?? (Url is not null && !places.IsPlace(Url) ? (Answer)ControlPlaneErrors.InvalidSinkUrl.With("the URL is not https, names a user, or lies in a network that is closed") : null);
}
