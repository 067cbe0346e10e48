namespace Caracal.Gateway.Overrides;

/// <summary>A body asked for another method than the authorised one while it was forwarded.</summary>
internal sealed class OtherMethodException() : IOException("the request body names another method");
